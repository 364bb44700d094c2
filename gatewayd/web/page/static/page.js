// Keeps the page fresh. Everything works without it, after a reload by hand.
import { follow } from "./countdown.js";
import { watch } from "./live.js";

follow();
watch();
