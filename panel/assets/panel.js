// The live parts of the pages. All of them work without it.

// Times go on, in the words that the browser has for them.
const words = new Intl.RelativeTimeFormat(document.documentElement.lang, {numeric: "always"});
const units = [["day", 86400, 172800], ["hour", 3600, 3600], ["minute", 60, 60], ["second", 1, 5]];
function tell() {
  if (document.hidden) return;
  for (const time of document.querySelectorAll("time[datetime]")) {
    const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
    const unit = units.find(([, , least]) => Math.abs(seconds) >= least);
    if (unit) time.textContent = words.format(Math.trunc(seconds / unit[1]), unit[0]);
  }
}
setInterval(tell, 5000);
document.addEventListener("visibilitychange", tell);
