// What scripts spare people: an end that follows the beginning, links copied at a click, a count that is fresh.

const LIVE_SECONDS = 10;

const minutes = (text) => {
  const [hours, rest] = text.split(":").map(Number);
  return hours * 60 + rest;
};

const clock = (count) => {
  const day = (count + 1440) % 1440;
  return `${String(Math.floor(day / 60)).padStart(2, "0")}:${String(day % 60).padStart(2, "0")}`;
};

for (const form of document.querySelectorAll("form[data-times]")) {
  const from = form.elements.namedItem("from");
  const to = form.elements.namedItem("to");
  let lasts = minutes(to.value) - minutes(from.value);
  from.addEventListener("change", () => {
    if (from.value) to.value = clock(minutes(from.value) + lasts);
  });
  to.addEventListener("change", () => {
    if (from.value && to.value) lasts = minutes(to.value) - minutes(from.value);
  });
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = button.dataset.done;
  });
}

for (const place of document.querySelectorAll("[data-live]")) {
  const refresh = async () => {
    if (document.hidden) return;
    const answer = await fetch(place.dataset.live, { credentials: "same-origin" }).catch(() => null);
    if (!answer || !answer.ok) return;
    const text = await answer.text();
    if (place.innerHTML.trim() !== text.trim()) place.innerHTML = text;
  };
  setInterval(refresh, LIVE_SECONDS * 1000);
}

document.querySelector("[aria-invalid]")?.focus();
