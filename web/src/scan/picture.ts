/** Makes a phone's photo small enough to send; it changes nothing else and keeps no copy. */

/** Bytes above which a photo is shrunk: the server takes 8 MB. */
const LARGEST_BYTES = 6_000_000;
/** Longest side of a shrunk photo: enough for a label that fills a quarter of it. */
const LONGEST_SIDE_PX = 2600;

/** The picture itself, or a smaller JPEG of it. What cannot be decoded here is left for the server to judge. */
export async function fitPicture(picture: Blob): Promise<Blob> {
  if (picture.size <= LARGEST_BYTES) return picture;
  try {
    const bitmap = await createImageBitmap(picture);
    const scale = Math.min(1, LONGEST_SIDE_PX / Math.max(bitmap.width, bitmap.height));
    const canvas = new OffscreenCanvas(Math.round(bitmap.width * scale), Math.round(bitmap.height * scale));
    canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    return await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
  } catch {
    return picture;
  }
}
