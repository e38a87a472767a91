// From samples to words, as the project's `recognition` does it in Python. All positions are in
// samples at the model's rate; `about` is the model's classes.json.

// Resamples a stream in pieces: SciPy's resample_poly, a low-pass filter with a Kaiser window (5.0).
class Resampler {
  constructor(from, to) {
    const divisor = (a, b) => (b ? divisor(b, a % b) : a);
    this.up = to / divisor(from, to);
    this.down = from / divisor(from, to);
    const widest = Math.max(this.up, this.down);
    this.half = 10 * widest;
    const bessel = (x) => {
      let sum = 1, term = 1;
      for (let k = 1; k < 30; k++) sum += term *= (x / 2 / k) ** 2;
      return sum;
    };
    const taps = Array.from({ length: 2 * this.half + 1 }, (_, i) => {
      const t = (i - this.half) / widest;
      const sinc = t ? Math.sin(Math.PI * t) / (Math.PI * t) : 1;
      return sinc * bessel(5 * Math.sqrt(1 - ((i - this.half) / this.half) ** 2));
    });
    const sum = taps.reduce((a, b) => a + b);
    this.filter = taps.map((tap) => (tap * this.up) / sum);
    this.waiting = new Float32Array(0);
    this.first = 0;  // number of the first waiting sample
    this.done = 0;  // samples of the result
  }

  feed(samples) {
    if (this.up === this.down) return samples;
    this.waiting = joined(this.waiting, samples);
    const result = [];
    const end = this.first + this.waiting.length;
    for (;; this.done++) {
      // Position of the result at `up` times the rate of the stream.
      const at = this.done * this.down;
      const last = Math.floor((at + this.half) / this.up);
      if (last >= end) break;
      let value = 0;
      for (let i = Math.max(0, Math.ceil((at - this.half) / this.up)); i <= last; i++) {
        value += this.filter[at - i * this.up + this.half] * this.waiting[i - this.first];
      }
      result.push(value);
    }
    const needed = Math.max(0, Math.ceil((this.done * this.down - this.half) / this.up));
    this.waiting = this.waiting.slice(needed - this.first);
    this.first = needed;
    return Float32Array.from(result);
  }
}

// Decides which windows are words, given the probabilities of successive windows.
class Detector {
  constructor(about, threshold, report) {
    Object.assign(this, { about, threshold, report });
    this.side = (about.smoothing - 1) / 2;
    this.windows = [];  // as many as are averaged
    this.candidates = [];  // whose answer is a word
    this.events = [];  // the latest two
  }

  feed(start, probabilities) {
    this.windows.push({ start, probabilities });
    const middle = this.windows.length - 1 - this.side;
    if (middle < 0) return;
    this.smooth(middle);
    this.decide(this.windows[middle].start);
    if (this.windows.length === this.about.smoothing) this.windows.shift();
  }

  finish() {
    for (let i = Math.max(0, this.windows.length - this.side); i < this.windows.length; i++) this.smooth(i);
    this.decide(Infinity);
  }

  smooth(middle) {
    const near = this.windows.slice(Math.max(0, middle - this.side), middle + this.side + 1);
    const means = this.about.classes.map(
      (_, i) => near.reduce((sum, one) => sum + one.probabilities[i], 0) / near.length,
    );
    const probability = Math.max(...means);
    const word = this.about.classes[means.indexOf(probability)];
    if (probability >= this.threshold() && !this.about.no_words.includes(word)) {
      this.candidates.push({ start: this.windows[middle].start, word, probability });
    }
  }

  // All windows that start up to `known` are known.
  decide(known) {
    while (this.candidates.length && this.candidates[0].start + this.about.reach <= known) {
      const one = this.candidates.shift();
      const better = (other) => other.start <= one.start + this.about.reach
        && other.probability > one.probability + 1e-6 && !this.hidden(other);
      if (this.hidden(one) || this.candidates.some(better)) continue;
      this.events = [...this.events.slice(-1), one];
      this.report(one);
    }
  }

  // Whether an earlier event may contain the same utterance.
  hidden({ start, word }) {
    return this.events.some((event) => start - event.start <= this.about.suppression
      || (start - event.start < this.about.samples && event.word === word));
  }
}

// Cuts a stream into windows, and reports the words in them. `classify` is asynchronous.
class Decoder {
  constructor(about, classify, threshold, report) {
    Object.assign(this, { about, classify });
    this.detector = new Detector(about, threshold, report);
    this.waiting = new Float32Array(0);  // samples from the next window on
    this.start = 0;  // of the next window
    this.length = 0;  // samples so far
  }

  async feed(samples) {
    this.waiting = joined(this.waiting, samples);
    this.length += samples.length;
    while (this.waiting.length >= this.about.samples) await this.window();
  }

  async finish() {
    const { samples, step, hop } = this.about;
    const last = Math.floor(Math.max(0, this.length - samples) / hop) * hop;
    const skipped = last - this.start;  // The last window ends with the stream.
    if (this.length && skipped > -step) {
      const rest = skipped < 0 ? joined(this.latest.slice(step + skipped), this.waiting) : this.waiting;
      this.start = last;
      this.waiting = joined(rest, new Float32Array(samples)).slice(0, samples);
      await this.window();
    }
    this.detector.finish();
  }

  async window() {
    const window = this.waiting.slice(0, this.about.samples);
    this.detector.feed(this.start, await this.classify(window));
    this.latest = window.slice(0, this.about.step);  // what precedes the next window
    this.waiting = this.waiting.slice(this.about.step);
    this.start += this.about.step;
  }
}

function joined(a, b) {
  const both = new Float32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
