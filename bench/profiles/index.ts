/** All profiles, by name. */
import { fanIn } from './fan-in.ts';
import { idle } from './idle.ts';
import { loginCost } from './login-cost.ts';
import { loginFlood } from './login-flood.ts';
import { loginStorm } from './login-storm.ts';
import { message } from './message.ts';
import type { Profile, ProfileName } from './profile.ts';
import { saturate } from './saturate.ts';
import { supernode } from './supernode.ts';
import { video } from './video.ts';
import { voice } from './voice.ts';

export const PROFILES: Record<ProfileName, Profile> = {
  voice,
  video,
  message,
  supernode,
  'login-storm': loginStorm,
  'login-cost': loginCost,
  'login-flood': loginFlood,
  idle,
  'fan-in': fanIn,
  saturate,
};
