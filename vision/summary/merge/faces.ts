/** Faces matched by position across the frames of a scene: one entry per face, however often it was photographed. */
import type { ExtractedFace } from '../../../protocol/generated/faceextract/v1m0/faceextract_pb.js';
import type { MatchedFace } from '../../../protocol/generated/summary/v1m0/summary_pb.js';
import { overlap } from './box.ts';
import { type Seen, type SeenImage, sighting } from './seen-image.ts';

/** Overlap from which two faces of different frames are one. */
const SAME_FACE = 0.5;

interface Track {
  readonly sightings: { image: SeenImage; face: Seen<ExtractedFace> }[];
}

/** @param scenes the images of each scene, in order */
export function matchFaces(scenes: readonly (readonly SeenImage[])[]): MatchedFace[] {
  return scenes.flatMap((frames) => tracksOf(frames).map(toMatchedFace));
}

/** Follows faces from frame to frame. A face joins the track whose last sighting it overlaps most; a track takes one face a frame. */
function tracksOf(frames: readonly SeenImage[]): Track[] {
  const tracks: Track[] = [];
  for (const image of frames) {
    const known = [...tracks];
    const pairs = image.faces
      .flatMap((face) =>
        known.map((track) => ({ face, track, shared: overlap(track.sightings.at(-1)!.face.box, face.box) })),
      )
      .filter(({ shared }) => shared >= SAME_FACE)
      // Sorting is stable: equals stay in the order of the faces and of the tracks.
      .sort((a, b) => b.shared - a.shared);
    const placed = new Set<Seen<ExtractedFace>>();
    const taken = new Set<Track>();
    for (const { face, track } of pairs) {
      if (placed.has(face) || taken.has(track)) continue;
      track.sightings.push({ image, face });
      placed.add(face);
      taken.add(track);
    }
    for (const face of image.faces) if (!placed.has(face)) tracks.push({ sightings: [{ image, face }] });
  }
  return tracks;
}

function toMatchedFace(track: Track): MatchedFace {
  const sightings = track.sightings.map(({ image, face }) => sighting(image, face));
  return { confidence: Math.max(...sightings.map(({ confidence }) => confidence)), sightings };
}
