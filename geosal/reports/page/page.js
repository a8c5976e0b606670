// The pictures of a report: two of them in one viewer, divided by a handle, with a map over them and places to go to.
(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const get = (id) => document.getElementById(id);
  const W = data.width;
  const PALETTES = {
    viridis: ["#440154", "#472c7a", "#3b518b", "#2c718e", "#21908d", "#27ad81", "#5cc863", "#aadc32", "#fde725"],
    magma: ["#000004", "#1c1044", "#4f127b", "#812581", "#b5367a", "#e55064", "#fb8761", "#fec287", "#fcfdbf"],
  };

  // Pictures: every one is decoded once, when it is first shown.
  const urls = new Map();
  function url(text) {
    if (!urls.has(text)) {
      const signs = atob(text);
      const bytes = new Uint8Array(signs.length);
      for (let n = 0; n < signs.length; n++) bytes[n] = signs.charCodeAt(n);
      urls.set(text, URL.createObjectURL(new Blob([bytes], { type: "image/webp" })));
    }
    return urls.get(text);
  }
  const pictures = [data.original, ...data.outputs];
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

  const viewer = OpenSeadragon({
    element: get("viewer"), drawer: "canvas", showNavigationControl: false, prefixUrl: "", crossOriginPolicy: false,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true }, gestureSettingsTouch: { dblTapToZoom: true },
    visibilityRatio: 0.5, minZoomImageRatio: 0.7, maxZoomPixelRatio: 24, animationTime: still ? 0 : 0.5, zoomPerScroll: 1.4,
    showNavigator: false, imageSmoothingEnabled: true, placeholderFillStyle: null, minPixelRatio: 0.9,
  });
  viewer.canvas.setAttribute("aria-label", "The scene. Arrow keys move it, plus and minus zoom, 0 shows all of it.");
  viewer.canvas.setAttribute("role", "application");
  viewer.canvas.setAttribute("aria-describedby", "status");

  // Layers: a picture, or a map over it, is the whole and its places, each where it belongs in the scene.
  const layers = new Map();
  function layer(key, drawing, span) {
    if (layers.has(key)) return layers.get(key);
    const found = { items: [], hidden: true, opacity: 1, from: 0, to: 1 };
    layers.set(key, found);
    const rects = [{ x: 0, y: 0, width: span ? span[0] : W, text: drawing.whole }];
    drawing.parts.forEach((text, n) => rects.push({ ...data.parts[n], text }));
    rects.forEach((rect, place) => {
      viewer.addTiledImage({
        tileSource: { type: "image", url: url(rect.text), buildPyramid: true },
        x: rect.x / W, y: rect.y / W, width: rect.width / W, opacity: 0, zombieCache: true,
        success: (event) => {
          found.items.push({ image: event.item, rect, rank: place });
          arrange();
        },
      });
    });
    return found;
  }

  const state = { left: 0, right: Math.min(1, pictures.length - 1), overlay: "", opacity: 0.7, swipe: 0.5, blink: false };
  const outputOf = () => data.outputs[Math.max(state.right, state.left) - 1] || data.outputs[0];

  // Puts the layers that are wanted over one another, and shows of each the side that is its own.
  function arrange() {
    const wanted = [];
    const left = layer("picture " + state.left, pictures[state.left]);
    const right = layer("picture " + state.right, pictures[state.right]);
    for (const each of layers.values()) each.hidden = true;
    const show = (each, opacity, from, to) => {
      Object.assign(each, { hidden: false, opacity, from, to });
      wanted.push(each);
    };
    if (left === right) show(left, 1, 0, 1);
    else {
      show(right, 1, state.blink ? 1 : state.swipe, 1);
      show(left, 1, 0, state.blink ? 1 : state.swipe);
    }
    const output = outputOf();
    const map = output && output.maps[state.overlay];
    if (map) show(layer(state.overlay + " " + data.outputs.indexOf(output), map, map.span), state.opacity, 0, 1);
    for (const each of layers.values()) {
      for (const item of each.items) item.image.setOpacity(each.hidden ? 0 : each.opacity);
    }
    for (const each of wanted) {
      for (const item of [...each.items].sort((a, b) => a.rank - b.rank)) {
        viewer.world.setItemIndex(item.image, viewer.world.getItemCount() - 1);
      }
    }
    clip();
    legend(map);
  }

  // Sides of the handle in pixels of each picture; also what a map's last tiles have beyond the scene is cut off.
  function clip() {
    const width = viewer.container.clientWidth;
    for (const each of layers.values()) {
      if (each.hidden) continue;
      const [from, to] = [each.from, each.to].map((share) =>
        share <= 0 ? -Infinity : share >= 1 ? Infinity : viewer.viewport.pointFromPixel(new OpenSeadragon.Point(share * width, 0), true).x * W);
      for (const { image, rect } of each.items) {
        const size = image.getContentSize();
        const scale = size.x / rect.width;
        const cut = (value, most) => Math.min(Math.max(value, 0), most);
        const low = cut((from - rect.x) * scale, size.x);
        const high = cut((Math.min(to, W) - rect.x) * scale, size.x);
        const bottom = cut((data.height - rect.y) * scale, size.y);
        image.setClip(new OpenSeadragon.Rect(low, 0, Math.max(high - low, 0), bottom));
      }
    }
  }

  function zoom() {
    return viewer.container.clientWidth / (viewer.viewport.getBounds(true).width * W);
  }

  function tell() {
    const scale = zoom();
    const sharp = scale * window.devicePixelRatio >= 1;
    viewer.drawer.setImageSmoothingEnabled(!sharp);
    const middle = viewer.viewport.getCenter(true);
    const [x, y] = [middle.x * W, middle.y * W];
    const place = data.parts.findIndex((part) => x >= part.x && y >= part.y && x < part.x + part.width && y < part.y + part.height);
    const real = data.exact || place >= 0;
    const named = scale >= 1 ? `${scale.toFixed(scale < 10 ? 1 : 0)} times magnified` : `1 : ${(1 / scale).toFixed(1)}`;
    const what = !sharp ? "" : real ? ": real pixels" : ": an overview; real pixels lie in the frames";
    get("status").textContent = `${named}${what}. Middle: column ${Math.round(x)}, row ${Math.round(y)}.`;
  }

  function legend(map) {
    get("legend").hidden = !map;
    if (!map) return;
    get("least").textContent = `${map.name}: ${map.legend.least}`;
    get("most").textContent = map.legend.most;
    get("ramp").style.backgroundImage = `linear-gradient(to right, ${PALETTES[map.legend.palette].join(", ")})`;
  }

  // The handle.
  const handle = get("handle");
  function swipe(share) {
    state.swipe = Math.min(Math.max(share, 0), 1);
    handle.style.left = `${100 * state.swipe}%`;
    const names = `${pictures[state.left].name} on the left, ${pictures[state.right].name} on the right`;
    handle.setAttribute("aria-valuenow", Math.round(100 * state.swipe));
    handle.setAttribute("aria-valuetext", `${Math.round(100 * state.swipe)} %: ${names}`);
    const [left, right] = [layers.get("picture " + state.left), layers.get("picture " + state.right)];
    if (left && right && left !== right) {
      right.from = left.to = state.blink ? 1 : state.swipe;
      clip();
    }
  }
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
    handle.focus();
  });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const box = get("stage").getBoundingClientRect();
    swipe((event.clientX - box.left) / box.width);
  });
  handle.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -0.02, ArrowDown: -0.02, ArrowRight: 0.02, ArrowUp: 0.02, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 };
    if (!(event.key in steps)) return;
    swipe(state.swipe + steps[event.key]);
    event.preventDefault();
  });

  function blink(on) {
    if (state.blink === on) return;
    state.blink = on;
    get("stage").classList.toggle("blinks", on);
    swipe(state.swipe);
  }
  const typing = (event) => /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  document.addEventListener("keydown", (event) => { if (event.key.toLowerCase() === "b" && !typing(event)) blink(true); });
  document.addEventListener("keyup", (event) => { if (event.key.toLowerCase() === "b") blink(false); });
  window.addEventListener("blur", () => blink(false));

  // What is chosen.
  function options(select, pairs, chosen) {
    select.replaceChildren(...pairs.map(([value, text]) => new Option(text, value, false, value === String(chosen))));
  }
  function choose() {
    get("name-left").textContent = pictures[state.left].name;
    get("name-right").textContent = pictures[state.right].name;
    const maps = outputOf() ? Object.entries(outputOf().maps) : [];
    if (!maps.some(([key]) => key === state.overlay)) state.overlay = "";
    const of = data.outputs.length > 1 && outputOf() ? `, ${outputOf().name}` : "";
    options(get("overlay"), [["", "none"], ...maps.map(([key, map]) => [key, map.name + of])], state.overlay);
    arrange();
    swipe(state.swipe);
  }
  const names = pictures.map((picture, n) => [String(n), picture.name]);
  options(get("left"), names, state.left);
  options(get("right"), names, state.right);
  get("left").addEventListener("change", (event) => { state.left = Number(event.target.value); choose(); });
  get("right").addEventListener("change", (event) => { state.right = Number(event.target.value); choose(); });
  get("overlay").addEventListener("change", (event) => { state.overlay = event.target.value; choose(); });
  get("opacity").addEventListener("input", (event) => { state.opacity = Number(event.target.value) / 100; arrange(); });

  // Where to go.
  const all = new OpenSeadragon.Rect(0, 0, 1, data.height / W);
  function goTo(part) {
    viewer.viewport.fitBounds(new OpenSeadragon.Rect(part.x / W, part.y / W, part.width / W, part.height / W));
    get("stage").scrollIntoView({ block: "nearest" });
  }
  get("in").addEventListener("click", () => viewer.viewport.zoomBy(1.6).applyConstraints());
  get("out").addEventListener("click", () => viewer.viewport.zoomBy(1 / 1.6).applyConstraints());
  get("whole").addEventListener("click", () => viewer.viewport.fitBounds(all));
  get("one").addEventListener("click", () => {
    const width = viewer.container.clientWidth * window.devicePixelRatio / W;
    const middle = viewer.viewport.getCenter();
    viewer.viewport.zoomTo(1 / width, middle).applyConstraints();
  });
  get("full").addEventListener("click", () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else get("stage").requestFullscreen().catch(() => {});
  });
  data.parts.forEach((part, n) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = part.title;
    button.addEventListener("click", () => goTo(part));
    const item = document.createElement("li");
    item.append(button);
    get("places").append(item);
    const frame = document.createElement("div");
    frame.className = "frame";
    frame.dataset.number = n + 1;
    if (!data.exact) {
      viewer.addOverlay({ element: frame, location: new OpenSeadragon.Rect(part.x / W, part.y / W, part.width / W, part.height / W) });
    }
  });

  // Places side by side; the whole scene, too, for the printer. Their pictures come when there is time for them.
  const waiting = [];
  function bring(deadline) {
    while (waiting.length && (!deadline || deadline.timeRemaining() > 5 || deadline.didTimeout)) waiting.shift()();
    if (waiting.length) later();
    else document.documentElement.dataset.complete = "";
  }
  const later = () => (window.requestIdleCallback ? requestIdleCallback(bring, { timeout: 500 }) : setTimeout(bring, 50));
  window.addEventListener("beforeprint", () => bring());
  function figure(text, caption, map) {
    const made = document.createElement("figure");
    const image = new Image();
    image.alt = caption;
    waiting.push(() => { image.src = url(text); });
    image.className = map ? "map" : "";
    const words = document.createElement("figcaption");
    words.textContent = caption;
    made.append(image, words);
    return made;
  }
  function row(title, place, kind) {
    const made = document.createElement("div");
    made.className = `row ${kind}`;
    const head = document.createElement("h3");
    head.textContent = title;
    const line = document.createElement("div");
    line.className = "figures";
    const take = (drawing) => (place < 0 ? drawing.whole : drawing.parts[place]);
    pictures.forEach((picture) => line.append(figure(take(picture), picture.name)));
    data.outputs.forEach((output) => {
      const named = data.outputs.length > 1 ? `: ${output.name}` : "";
      for (const key of data.outputs.length > 1 ? ["errors"] : ["saliency", "errors"]) {
        if (output.maps[key]) line.append(figure(take(output.maps[key]), output.maps[key].name + named, true));
      }
    });
    made.append(head, line);
    if (place >= 0) {
      line.addEventListener("click", () => goTo(data.parts[place]));
    }
    return made;
  }
  get("gallery").append(row("The whole scene", -1, "print"));
  if (!data.exact) {
    data.parts.forEach((part, n) => get("gallery").append(row(`${n + 1}. ${part.title}`, n, "")));
  }

  later();

  viewer.addHandler("viewport-change", () => { clip(); tell(); });
  viewer.addHandler("resize", () => { clip(); tell(); });
  viewer.world.addOnceHandler("add-item", () => { viewer.viewport.fitBounds(all, true); tell(); });
  choose();
  window.geosalReport = { viewer, state, layers };
})();
