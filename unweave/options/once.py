"""Commands that take an option once: given twice, the last one would win without a word.

They take ids from files, too (`ids_file`).
"""

from collections import Counter

import click

from unweave.options.ids_file import IdsFile, with_ids

LONGEST = 1000  # letters of a summary: none is cut


class Once(click.Command):
    """A command that refuses an option given twice, unless it may be given again."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does; raises UsageError for an option that is there twice."""
        _, _, given = self.make_parser(ctx).parse_args(args=[*args])
        for parameter, times in Counter(given).items():
            single = isinstance(parameter, click.Option) and not parameter.multiple
            if single and times > 1 and not getattr(parameter, "is_flag", False):
                flag = max(parameter.opts, key=len)
                raise click.UsageError(f"{flag} is given {times} times, and is taken once.", ctx)
        return super().parse_args(ctx, self._with_ids(ctx, args))

    def _with_ids(self, ctx: click.Context, args: list[str]) -> list[str]:
        option = next((one for one in self.params if isinstance(one, IdsFile)), None)
        found, _, _ = self.make_parser(ctx).parse_args(args=[*args])
        if option is None or found.get(str(option.name)) is None:
            return args
        return with_ids(self, found[str(option.name)], option, args)


class Commands(click.Group):
    """A group of such commands; its help says of each the whole first sentence."""

    command_class = Once
    group_class = type

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with their summaries, wrapped where click would cut them off."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, one.get_short_help_str(LONGEST)) for name, one in found if one is not None]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
