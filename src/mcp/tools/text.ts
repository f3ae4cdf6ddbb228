export { textOf } from '../../shared/plain-text.js';
