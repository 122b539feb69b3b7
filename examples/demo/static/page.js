// The shop works without this.

// A page that the browser restores from memory, on "back", may be older than the session.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// Where the inspector stands below the page, not beside it, it is folded at first.
if (matchMedia("(max-width: 67.99rem)").matches) {
  document.querySelector(".inspector details").open = false;
}

// A session ends when it was not used for some time. Shortly before that the page says so: a minute, or half of the time
// where that is less. Another tab may have used it since; asking for the page again does no harm then.
const endsSoon = document.getElementById("ends-soon");
if (endsSoon) {
  const left = Number(endsSoon.dataset.seconds) * 1000;
  setTimeout(() => { endsSoon.hidden = false; }, left - Math.min(left / 2, 60_000));
}
