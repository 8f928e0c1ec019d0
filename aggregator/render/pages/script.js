// What a page can do beyond showing itself: filter the feeds, copy an address. Without this, both are hidden.
"use strict";

const said = document.querySelector(".said");

const filter = document.getElementById("filter");
if (filter) {
  const feeds = [...document.querySelectorAll(".feeds > li")];
  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const names = feeds.map((feed) => fold(feed.querySelector(".name").textContent));
  const apply = () => {
    const words = fold(filter.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    feeds.forEach((feed, place) => {
      feed.hidden = !words.every((word) => names[place].includes(word));
      shown += !feed.hidden;
    });
    said.textContent = words.length ? `${shown} of ${feeds.length}` : "";
  };
  filter.closest(".filter").hidden = false;
  filter.addEventListener("input", apply);
  filter.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      filter.value = "";
      apply();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && event.target !== filter) {
      event.preventDefault();
      filter.focus();
    }
  });
  addEventListener("pageshow", apply); // a browser that comes back to the page has kept what was typed
}

// A picture that doesn't come leaves no hole.
const drop = (image) => image.closest(".picture")?.remove();
document.addEventListener("error", (event) => drop(event.target), true);
for (const image of document.querySelectorAll(".picture img")) {
  if (image.complete && !image.naturalWidth) drop(image);
}

for (const button of document.querySelectorAll(".copy")) {
  const address = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(address.href);
      said.textContent = "Copied.";
    } catch {
      getSelection().selectAllChildren(address); // no clipboard here, as without https: ready to be copied by hand
      said.textContent = "Selected; copy it with your keyboard.";
    }
  });
}
