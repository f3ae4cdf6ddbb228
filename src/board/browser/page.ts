import { closeOnEscape } from './close-on-escape.js';
import { followRun } from './live-run.js';
import { showLocalTimes } from './local-times.js';
import { openViewer } from './output-viewer.js';
import { keepUpToDate } from './refresh.js';

showLocalTimes(document);
closeOnEscape();
const { run } = document.body.dataset;
const viewer = document.getElementById('viewer');
if (run !== undefined && viewer) followRun(run, openViewer(run, viewer));
else void keepUpToDate();
