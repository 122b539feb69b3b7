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
// where that is less. It asks the server then, for another tab may have used it since; asking keeps nothing alive.
const endsSoon = document.getElementById("ends-soon");
const stay = document.getElementById("stay");

function show(part) {
  endsSoon.hidden = !part;
  for (const text of endsSoon.children) text.hidden = !text.classList.contains(part);
}

let timer;
function look(after) {
  clearTimeout(timer);
  // Timers of more than 24 days run out at once.
  timer = setTimeout(ask, Math.min(after, 86_400_000));
}

async function ask(path = "/session/time-left", options = {}) {
  const answer = await fetch(path, options).catch(() => null);
  // The server is away: it is asked again, and until then nothing is claimed.
  if (!answer?.ok) return look(5_000);
  const { time_left_ms: left, lifetime_left_ms: lifetime } = await answer.json();
  if (left === null) return show("gone");
  const full = Number(endsSoon.dataset.seconds) * 1000;
  const warning = Math.min(full / 2, 60_000);
  show(left <= warning ? "going" : "");
  stay.hidden = left === lifetime;
  look(left <= warning ? left + 50 : left - warning);
}

if (endsSoon) {
  const left = Number(endsSoon.dataset.seconds) * 1000;
  look(left - Math.min(left / 2, 60_000));
  stay.addEventListener("click", () => ask("/session/keep-alive", { method: "POST" }));
}
