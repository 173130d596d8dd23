/** Sound and vibration, so that eyes can stay on the label. Silent where the device has neither. */

import type { Notice } from "./basket";

interface Tone {
  hertz: number;
  beeps: number;
  buzz: number[];
}

const TONES: Readonly<Record<Notice["tone"], Tone>> = {
  good: { hertz: 1800, beeps: 1, buzz: [40] },
  bad: { hertz: 320, beeps: 2, buzz: [90, 60, 90] },
  plain: { hertz: 700, beeps: 1, buzz: [20] },
};
const BEEP_S = 0.07;

export function createSounder(): (tone: Notice["tone"]) => void {
  let audio: AudioContext | null = null;
  return (name) => {
    const tone = TONES[name];
    navigator.vibrate?.(tone.buzz);
    try {
      audio ??= new AudioContext();
    } catch {
      return;
    }
    for (let beep = 0; beep < tone.beeps; beep += 1) {
      const start = audio.currentTime + beep * BEEP_S * 2;
      const oscillator = audio.createOscillator();
      const volume = audio.createGain();
      oscillator.frequency.value = tone.hertz;
      volume.gain.value = 0.08;
      oscillator.connect(volume).connect(audio.destination);
      oscillator.start(start);
      oscillator.stop(start + BEEP_S);
    }
  };
}
