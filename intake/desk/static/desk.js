// What the desk's pages do beyond forms and links.
import "./compose.js";
import "./thread.js";
import "./lists.js";
import "./ahead.js";
import "./rowacts.js";
