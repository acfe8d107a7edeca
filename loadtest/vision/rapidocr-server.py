"""Serves rapidocr-onnxruntime over HTTP, for the vision suite to compare with: POST an encoded image, get the lines as JSON.

Usage: rapidocr-server.py THREADS. Prints the port on which it listens. One image at a time, as one inference process does.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from rapidocr_onnxruntime import RapidOCR

ocr = RapidOCR(intra_op_num_threads=int(sys.argv[1]), inter_op_num_threads=1)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        lines, _ = ocr(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps([text for _, text, _ in lines or []]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
