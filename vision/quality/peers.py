"""Reads the images of a folder with rapidocr-onnxruntime and OpenCV and writes what they found to peers.json.

Usage: peers.py FOLDER, where FOLDER/labels.json lists the images. Both peers run with their default settings:
rapidocr uses the same PP-OCRv4 models as Sluice's ocr, OpenCV its Haar cascade for frontal faces and its QR and
barcode detectors.
"""

import json
import pathlib
import sys

import cv2
from rapidocr_onnxruntime import RapidOCR


def main(folder: pathlib.Path) -> None:
    ocr = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)
    faces = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    qr = cv2.QRCodeDetector()
    linear = cv2.barcode.BarcodeDetector()
    found = {}
    images = json.loads((folder / "labels.json").read_text())
    for image in images:
        pixels = cv2.imread(str(folder / f"{image['name']}.png"))
        grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
        lines, _ = ocr(pixels)
        boxes = faces.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=5)
        codes = [text for text in qr.detectAndDecodeMulti(pixels)[1] if text]
        codes += [text for text in linear.detectAndDecodeMulti(pixels)[1] if text]
        found[image["name"]] = {
            "rapidocr": {
                "text": [{"text": text, "quad": [[float(x), float(y)] for x, y in quad]} for quad, text, _ in lines or []]
            },
            "opencv": {
                "faces": [dict(zip(("x", "y", "width", "height"), map(int, box))) for box in boxes],
                "barcodes": [{"label": "", "text": text} for text in codes],
            },
        }
    (folder / "peers.json").write_text(json.dumps(found))


main(pathlib.Path(sys.argv[1]))
