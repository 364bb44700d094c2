// Counts down to the moment at which an unconfirmed version goes back. The server says how many seconds are left; from
// there on a clock counts that nobody sets.
const TOLD_AT = [60, 30, 10]; // seconds at which those who listen are told

const ends = new WeakMap();

function text(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (number) => String(number).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, pad(whole % 60)];
  return hours ? `${hours}:${pad(minutes)}:${rest}` : `${minutes}:${rest}`;
}

function step() {
  const said = document.getElementById("said");
  for (const clock of document.querySelectorAll("[data-countdown]")) {
    if (!ends.has(clock)) {
      ends.set(clock, performance.now() + 1000 * Number(clock.dataset.countdown));
    }
    const left = (ends.get(clock) - performance.now()) / 1000;
    clock.textContent = text(left);
    const due = left <= 0 ? 0 : TOLD_AT.findLast((at) => left <= at);
    if (said && due !== undefined && due < (said.dataset.told ?? Infinity)) {
      said.dataset.told = due;
      said.textContent = due ? said.dataset.left.replace("{seconds}", due) : said.dataset.over;
    }
  }
  if (said && !document.querySelector("[data-countdown]")) {
    delete said.dataset.told;
  }
}

export function follow() {
  step();
  setInterval(step, 250);
}
