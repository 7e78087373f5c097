"""A letter as text, and the same words as a page that prints on A4."""

from dataclasses import dataclass

from markupsafe import escape

from unweave.letters.kinds import Kind

STYLE = """
  @page { size: A4; margin: 25mm 22mm;
          @bottom-right { content: counter(page) " / " counter(pages);
                          font: 8pt Georgia, "Liberation Serif", serif; color: #5b616a; } }
  body { font: 11pt/1.5 Georgia, "Liberation Serif", serif; color: #16181b; background: #fff;
         max-width: 42em; margin: 3em auto; padding: 0 1.5em; overflow-wrap: break-word; }
  h1 { font-size: 1.1em; margin: 1.6em 0 1.2em; }
  p { margin: 0 0 0.9em; }
  @media print { body { margin: 0; padding: 0; } }
"""


@dataclass(frozen=True)
class Letter:
    """A letter: which, in what language, and its text, whose subject stands after the heading."""

    kind: Kind
    language: str
    text: str
    subject: str

    def page(self) -> bytes:
        """Return the letter as one page of HTML that needs nothing else."""
        blocks = [block.strip() for block in self.text.strip().split("\n\n") if block.strip()]
        shown = []
        for block in blocks:
            tag = "h1" if block == self.subject else "p"
            lines = "<br />".join(str(escape(line)) for line in block.split("\n"))
            shown.append(f"<{tag}>{lines}</{tag}>")
        title = escape(self.subject)
        return (
            f'<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" lang="{self.language}">\n'
            f'<head>\n<meta charset="utf-8" />\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1" />\n'
            f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
            + "\n".join(shown)
            + "\n</main>\n</body>\n</html>\n"
        ).encode()
