// What a page must be for everybody (WCAG 2.1 AA), as far as a program can see it; gives sentences about what is wrong.
() => {
  const wrong = [];
  const shown = (node) => node.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const named = (node) =>
    node.getAttribute("aria-label") || (node.labels && node.labels.length) || node.textContent.trim() ||
    node.getAttribute("aria-labelledby");
  if (!document.documentElement.lang) wrong.push("3.1.1 no language");
  if (!document.title.trim()) wrong.push("2.4.2 no title");
  if (document.querySelectorAll("main").length !== 1) wrong.push("1.3.1 not one main");
  const levels = [...document.querySelectorAll("h1, h2, h3")].map((node) => Number(node.tagName[1]));
  if (levels[0] !== 1 || levels.filter((level) => level === 1).length !== 1) wrong.push("1.3.1 not one first heading");
  levels.forEach((level, at) => { if (at && level > levels[at - 1] + 1) wrong.push(`1.3.1 heading ${level} skips one`); });
  for (const node of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
    if (!(node.labels && node.labels.length) && !node.getAttribute("aria-label")) wrong.push(`3.3.2 no label: ${node.id}`);
  for (const node of document.querySelectorAll("a, button, summary"))
    if (!named(node)) wrong.push(`4.1.2 no name: ${node.outerHTML}`);
  for (const node of document.querySelectorAll("[aria-labelledby], [aria-describedby]"))
    for (const id of `${node.getAttribute("aria-labelledby") || ""} ${node.getAttribute("aria-describedby") || ""}`.trim().split(/ +/))
      if (!document.getElementById(id)) wrong.push(`4.1.1 nothing is called ${id}`);
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  if (new Set(ids).size !== ids.length) wrong.push("4.1.1 two of one id");
  if (document.documentElement.scrollWidth > window.innerWidth) wrong.push("1.4.10 wider than the screen");
  const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((each) => {
      const part = each / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if ((parts(colour)[3] ?? 1) === 1) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  for (const node of document.querySelectorAll("body *")) {
    const text = [...node.childNodes].some((each) => each.nodeType === 3 && each.textContent.trim());
    if (!text && !node.matches("input:not([type=hidden]), textarea, select")) continue;
    if (!shown(node) || node.matches(".skip, option, script")) continue;
    const [one, other] = [light(getComputedStyle(node).color), light(ground(node))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) wrong.push(`1.4.3 contrast ${contrast.toFixed(2)}: ${node.outerHTML.slice(0, 80)}`);
  }
  return wrong;
}
