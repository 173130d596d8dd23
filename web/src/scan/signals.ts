/** Sound and vibration, so that eyes can stay on the label. Silent where the device has neither. */

import type { Notice } from "./basket";

interface Tone {
  hertz: number;
  /** How much higher each further beep is. */
  rising?: number;
  beeps: number;
  buzz: number[];
}

const TONES: Readonly<Record<Notice["tone"], Tone>> = {
  good: { hertz: 1800, beeps: 1, buzz: [40] },
  done: { hertz: 1200, rising: 1.5, beeps: 2, buzz: [60, 40, 120] },
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
    // Sound begins with a touch: until then browsers hold it back, and what is held back must not sound late.
    if (audio.state === "suspended") {
      void audio.resume().catch(() => undefined);
      return;
    }
    for (let beep = 0; beep < tone.beeps; beep += 1) {
      const start = audio.currentTime + beep * BEEP_S * 2;
      const oscillator = audio.createOscillator();
      const volume = audio.createGain();
      oscillator.frequency.value = tone.hertz * (tone.rising ?? 1) ** beep;
      volume.gain.value = 0.08;
      oscillator.connect(volume).connect(audio.destination);
      oscillator.start(start);
      oscillator.stop(start + BEEP_S);
    }
  };
}
