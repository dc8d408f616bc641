/** Colours and letters of all charts: light, and told apart also by people who see few colours. */
import type { Tone } from './chart.ts';

/** Letters and lines. */
export const ink = { title: '#1b1f24', text: '#454c55', grid: '#e4e7eb', zero: '#6b737c', paper: '#ffffff' };

/** What is on the machine of whoever looks at it. */
export const fontFamily = "'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif";

/** Blue against vermilion: far apart in hue and in lightness, for every kind of colour vision. */
export const toneColours: Readonly<Record<Exclude<Tone, 'plain'>, string>> = {
  in: '#3f8bc6',
  out: '#e0693c',
  net: '#1b1f24',
};

/** For series of equal rank, in this order. */
export const palette = ['#2b7bba', '#d9a400', '#2a9d78', '#b0578d', '#7a8794', '#d9562a'] as const;

/** Columns of text to pixels, generously: the font that is there in the end may be a wide one. */
export const columnWidth = 7.6;
