"""The commands, a file each: options in, an answer out. `options` has what they share."""
