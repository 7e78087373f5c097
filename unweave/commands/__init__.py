"""The commands, a file each: options in, an answer out. `unweave.options` has what they share."""
