//! A network in the form of CenterFace that takes the middle of a magenta spot for the middle of a face.

use std::path::{Path, PathBuf};

/// Bytes of a message of Protocol Buffers.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    fn bytes(mut self, field: u64, bytes: impl AsRef<[u8]>) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.as_ref().len() as u64);
        self.0.extend(bytes.as_ref());
        self
    }

    fn varint(&mut self, mut value: u64) {
        while value > 127 {
            self.0.push(value as u8 | 128);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

fn tensor(name: &str, dimensions: &[u64], values: &[f32]) -> Vec<u8> {
    let data: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let start = dimensions.iter().fold(Message::default(), |m, d| m.number(1, *d));
    start.number(2, 1).bytes(8, name).bytes(9, data).0
}

fn value(name: &str, dimensions: &[Option<u64>]) -> Vec<u8> {
    let shape = dimensions.iter().fold(Message::default(), |m, d| {
        m.bytes(1, d.map_or(Message::default(), |d| Message::default().number(1, d)).0)
    });
    let tensor = Message::default().number(1, 1).bytes(2, shape.0).0;
    Message::default().bytes(1, name).bytes(2, Message::default().bytes(1, tensor).0).0
}

fn numbers(name: &str, values: &[u64]) -> Vec<u8> {
    let start = Message::default().bytes(1, name);
    values.iter().fold(start, |m, v| m.number(8, *v)).number(20, 7).0
}

fn node(kind: &str, inputs: &[&str], output: &str, attributes: &[Vec<u8>]) -> Vec<u8> {
    let node = inputs.iter().fold(Message::default(), |m, name| m.bytes(1, name));
    let node = node.bytes(2, output).bytes(3, output).bytes(4, kind);
    attributes.iter().fold(node, |m, attribute| m.bytes(5, attribute)).0
}

/// The network's file. Its strides are `stride`, which is 4 in one that can be used.
pub fn network(stride: u64) -> Vec<u8> {
    // Red and blue without green; 12 − 8 in the middle of a spot, −8 where there is none.
    let per_pixel = 12.0 / 255.0 / 16.0;
    let heat: Vec<f32> =
        [0.5, -1.0, 0.5].iter().flat_map(|share| [share * per_pixel; 16]).collect();
    let points = [0.35, 0.3, 0.35, 0.7, 0.55, 0.5, 0.75, 0.35, 0.75, 0.65];
    let maps: [(&str, &[f32], &[f32]); 4] = [
        ("logit", &heat, &[-8.0]),
        ("538", &[0.0; 96], &[2.08, 1.79]),
        ("539", &[0.0; 96], &[0.0, 0.0]),
        ("540", &[0.0; 480], &points),
    ];
    let mut graph = Message::default();
    for (name, weights, bias) in maps {
        let count = bias.len() as u64;
        let (w, b) = (format!("w{name}"), format!("b{name}"));
        let attributes = [
            numbers("kernel_shape", &[4, 4]),
            numbers("strides", &[stride, stride]),
            numbers("pads", &[0, 0, 0, 0]),
        ];
        graph = graph.bytes(1, node("Conv", &["in", &w, &b], name, &attributes));
        graph = graph.bytes(5, tensor(&w, &[count, 3, 4, 4], weights));
        graph = graph.bytes(5, tensor(&b, &[count], bias));
    }
    graph = graph.bytes(1, node("Sigmoid", &["logit"], "537", &[])).bytes(2, "spots");
    graph = graph.bytes(11, value("in", &[None, Some(3), None, None]));
    for name in ["537", "538", "539", "540"] {
        graph = graph.bytes(12, value(name, &[None, None, None, None]));
    }
    let version = Message::default().number(2, 9).0;
    Message::default().number(1, 4).bytes(8, version).bytes(7, graph.0).0
}

/// Writes the network to a file in `folder`.
pub fn write(folder: &Path) -> PathBuf {
    let path = folder.join("spots.onnx");
    std::fs::write(&path, network(4)).unwrap();
    path
}
