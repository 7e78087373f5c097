// Puts what the desk tells of a run in the place of what its page said before.
"use strict";
const place = document.getElementById("far");
const aloud = document.getElementById("aloud");
const line = document.getElementById("line");
const LIVE = "This page is live: it changes by itself.";
const say = (where, words) => {
  if (where.textContent !== words) where.textContent = words;
};
const source = new EventSource(place.dataset.from);
source.addEventListener("open", () => say(line, LIVE));
source.addEventListener("told", ({ data }) => {
  const told = new DOMParser().parseFromString(data, "text/html").body.firstElementChild;
  const held = place.contains(document.activeElement) ? document.activeElement.href : null;
  place.replaceChildren(told);
  if (held) [...place.querySelectorAll("a")].find((one) => one.href === held)?.focus();
  say(aloud, told.dataset.said);
  document.title = `${told.dataset.said} · unweave`;
});
const end = (kind, words) =>
  source.addEventListener(kind, () => {
    source.close();
    say(line, words);
  });
end("over", "Nothing further will come.");
end("out", "You are signed out. What stands here may be old.");
end("lost", "What stands here may be old: read the page again.");
source.addEventListener("error", () =>
  say(line, "The desk does not answer. What stands here may be old."));
