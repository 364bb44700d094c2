// Fetches the page again every few seconds and puts in what has changed, where nobody is just doing something.
const EVERY = 3000; // milliseconds

function busy(part) {
  const active = document.activeElement;
  const selected = getSelection();
  return (
    (part.contains(active) && active !== part && active.matches("input, select, button, summary, a")) ||
    part.querySelector("details[open]") !== null ||
    (!selected.isCollapsed && part.contains(selected.anchorNode))
  );
}

async function look() {
  const answer = await fetch(document.body.dataset.fresh || location.href, { headers: { "X-Live": "1" }, redirect: "manual" });
  if (answer.type === "opaqueredirect" || answer.status === 401) {
    location.assign("/login");
    return;
  }
  if (!answer.ok) {
    return;
  }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    if (next && !busy(part) && next.innerHTML !== part.dataset.was) {
      part.dataset.was = next.innerHTML;
      part.replaceChildren(...next.childNodes);
    }
  }
}

async function turn() {
  try {
    if (!document.hidden && document.querySelector("[data-live]")) {
      await look();
    }
  } catch {
    // the appliance may just be restarting: the next turn asks again
  }
  setTimeout(turn, EVERY);
}

export function watch() {
  setTimeout(turn, EVERY);
}
