// The staff shell: keys, the palette, rows, panes, toasts and live parts. Each
// works alone, and every page works without them.
import "./web.js";
import "./keys.js";
import "./palette.js";
import "./combobox.js";
import "./rows.js";
import "./panes.js";
import "./toasts.js";
import "./live.js";
