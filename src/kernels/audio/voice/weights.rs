//! Reads the weights: a file of tensors (<https://github.com/huggingface/safetensors>).

use std::sync::LazyLock;

use serde_json::Value;

use super::network::{CELL, DenseLayer, Network, SEEN};

static FILE: &[u8] = include_bytes!("silero_vad_16k.safetensors");

/// The network, read once. A test reads every tensor, so that none is missing here.
pub(super) fn network() -> &'static Network {
    static NETWORK: LazyLock<Network> = LazyLock::new(|| read(FILE).unwrap_or_default());
    &NETWORK
}

pub(super) fn read(file: &[u8]) -> Option<Network> {
    let (length, rest) = file.split_first_chunk::<8>()?;
    let (header, data) =
        rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let tensors = Tensors { header: serde_json::from_slice(header).ok()?, data };
    let mut convolutions: [DenseLayer; 4] = Default::default();
    for (n, layer) in convolutions.iter_mut().enumerate() {
        let rows = tensors.values(&format!("conv{}.weight", n + 1))?;
        let bias = tensors.values(&format!("conv{}.bias", n + 1))?;
        let inputs = rows.len() / bias.len() / SEEN;
        *layer = DenseLayer { rows: by_place(&rows, inputs), bias };
    }
    let (of_input, of_output) =
        (tensors.values("lstm_cell.weight_ih")?, tensors.values("lstm_cell.weight_hh")?);
    let rows = of_input.chunks(CELL).zip(of_output.chunks(CELL)).flat_map(|(a, b)| [a, b].concat());
    let biases = [tensors.values("lstm_cell.bias_ih")?, tensors.values("lstm_cell.bias_hh")?];
    let [a, b] = biases;
    let transform = tensors.values("stft_conv.weight")?;
    Some(Network {
        transform: DenseLayer { bias: vec![0.0; transform.len() / 256], rows: transform },
        convolutions,
        gates: DenseLayer {
            rows: rows.collect(),
            bias: a.iter().zip(&b).map(|(a, b)| a + b).collect(),
        },
        last: DenseLayer {
            rows: tensors.values("final_conv.weight")?,
            bias: tensors.values("final_conv.bias")?,
        },
    })
}

/// Rows whose weights lie by input and then by place, turned to lie by place and then by input.
fn by_place(rows: &[f32], inputs: usize) -> Vec<f32> {
    let turned = |row: &[f32]| -> Vec<f32> {
        let at = |place: usize| row.iter().skip(place).step_by(SEEN).copied();
        (0..SEEN).flat_map(at).collect()
    };
    rows.chunks(inputs * SEEN).flat_map(turned).collect()
}

struct Tensors<'a> {
    header: Value,
    data: &'a [u8],
}

impl Tensors<'_> {
    fn values(&self, name: &str) -> Option<Vec<f32>> {
        let offset = |n: usize| {
            usize::try_from(self.header.get(name)?.get("data_offsets")?.get(n)?.as_u64()?).ok()
        };
        let (numbers, _) = self.data.get(offset(0)?..offset(1)?)?.as_chunks::<4>();
        Some(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }
}
