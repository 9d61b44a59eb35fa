# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the Python client does with the streams of a pod that has real processes.

Usage: streams.py POD PORT, with KUBECONFIG naming the cluster: a pod of namespace default with a shell and an HTTP server on PORT.
"""
import sys
import unittest

from kubernetes import client, config
from kubernetes.stream import portforward, stream

POD, PORT = sys.argv[1], int(sys.argv[2])


class Streams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        config.load_kube_config()

    def setUp(self):
        # stream() changes the client that it is given
        self.core = client.CoreV1Api(client.ApiClient())

    def open(self, command, **more):
        session = stream(self.core.connect_get_namespaced_pod_exec, POD, "default", command=["sh", "-c", command], stdout=True, stderr=True,
                         _preload_content=False, **more)
        self.addCleanup(session.close)
        return session

    def test_output_of_a_command(self):
        self.assertEqual(stream(self.core.connect_get_namespaced_pod_exec, POD, "default", command=["echo", "a", "ü"], stdout=True), "a ü\n")

    def test_streams_are_kept_apart_and_the_exit_code_arrives(self):
        session = self.open("echo out; echo err >&2; exit 3")
        session.run_forever(timeout=20)
        self.assertEqual((session.read_stdout(), session.read_stderr(), session.returncode), ("out\n", "err\n", 3))

    def test_input_is_answered_line_by_line(self):
        session = self.open("while read line; do echo got $line; done", stdin=True)
        for text in "one", "two":
            session.write_stdin(text + "\n")
            self.assertEqual(session.readline_stdout(timeout=20), "got " + text)

    def test_much_output_arrives_whole(self):
        session = self.open("head -c 3000000 /dev/zero | tr '\\0' x", binary=True)
        session.run_forever(timeout=60)
        self.assertEqual((len(session.read_stdout()), session.returncode), (3000000, 0))

    def test_a_terminal_has_the_size_that_it_was_given(self):
        session = self.open("read line; stty size", stdin=True, tty=True)
        session.write_channel(4, '{"Width":91,"Height":37}')
        session.write_stdin("go\n")
        session.run_forever(timeout=20)
        self.assertIn("37 91", session.read_stdout())

    def test_what_cannot_be_run_is_an_error(self):
        session = stream(self.core.connect_get_namespaced_pod_exec, POD, "default", command=["/none"], stdout=True, _preload_content=False)
        session.run_forever(timeout=20)
        self.assertIn("Failure", session.read_channel(3))

    def test_a_port_is_forwarded(self):
        forward = portforward(self.core.connect_get_namespaced_pod_portforward, POD, "default", ports=str(PORT))
        socket = forward.socket(PORT)
        socket.settimeout(20)
        socket.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while part := socket.recv(4096):
            answer += part
        self.assertIn(b"hello from version", answer)
        self.assertIsNone(forward.error(PORT))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
