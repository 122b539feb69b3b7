// The shop works without this.

// A page that the browser restores from memory, on "back", may be older than the session.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// Where the inspector stands below the page, not beside it, it is folded at first.
if (matchMedia("(max-width: 67.99rem)").matches) {
  document.querySelector(".inspector details").open = false;
}
