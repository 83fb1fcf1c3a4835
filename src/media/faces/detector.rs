//! CenterFace, run by `rten`.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rten::{
    Model, ModelOptions, NodeId, OpRegistry, RegisterOp, RunOptions, ThreadPool, Value, op_types,
};
use rten_tensor::prelude::*;

use super::model_file::{self, MOST_BYTES};
use super::{FaceDetector, RgbPicture, SETTING};
use crate::error::{Error, Result};
use crate::kernels::faces::{CENTERFACE_STRIDE, CenterFaceMaps, FaceDetection, detections};
use crate::panics::caught_in;

/// The operators of the network; a file with others is another one.
const OPERATORS: [&dyn RegisterOp; 6] = [
    &op_types::Conv,
    &op_types::Relu,
    &op_types::Add,
    &op_types::ConvTranspose,
    &op_types::BatchNormalization,
    &op_types::Sigmoid,
];
/// Its outputs: likelihood, size, offset, points.
const OUTPUTS: [&str; 4] = ["537", "538", "539", "540"];
/// Sides of its input are multiples of so many pixels.
const MULTIPLE: usize = 32;

/// CenterFace.
pub(super) struct CenterFace {
    model: Model,
    input: NodeId,
    outputs: [NodeId; 4],
    identity: String,
    /// Pools of one thread that are not in use: work is spread over sources, not over a picture.
    pools: Mutex<Vec<Arc<ThreadPool>>>,
}

impl fmt::Debug for CenterFace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CenterFace").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl CenterFace {
    /// The network in the file at `path`.
    ///
    /// # Errors
    /// `config.invalid` if the file cannot be read or holds another network.
    pub(super) fn load(path: &Path) -> Result<Self> {
        let refused = |what: &str| {
            let sentence = format!(
                "{} cannot be used: the file {what}; name CenterFace as an ONNX file (see docs/user/framing.md)",
                path.display()
            );
            Error::setting(SETTING, sentence)
        };
        let bytes = std::fs::metadata(path).and_then(|file| match file.len() {
            length if length > MOST_BYTES as u64 => Ok(None),
            _ => std::fs::read(path).map(Some),
        });
        let bytes = bytes.map_err(|cause| {
            let sentence =
                format!("{} cannot be read ({cause}); name a file that is there", path.display());
            Error::setting(SETTING, sentence).with_source(cause)
        })?;
        let bytes = bytes.ok_or_else(|| refused("is larger than 32 MB"))?;
        let identity = format!("centerface {}", &blake3::hash(&bytes).to_hex()[..16]);
        model_file::check(&bytes).map_err(|what| refused(&what))?;
        let loaded = caught_in(|| Self::parsed(model_file::with_free_sizes(bytes)));
        let found = loaded
            .and_then(|loaded| loaded)
            .map_err(|cause| refused("holds another network").with_source(cause))?;
        let (model, input, outputs) = found;
        let detector = Self { model, input, outputs, identity, pools: Mutex::default() };
        // A network that is not what it seems fails here, before any source is opened.
        let blank = [0; 64 * 48 * 3];
        let picture = RgbPicture { pixels: &blank, width: 64, height: 48 };
        match caught_in(|| detector.answer(&picture)).and_then(|answer| answer) {
            Ok(_) => Ok(detector),
            Err(cause) => Err(refused("holds another network").with_source(cause)),
        }
    }

    fn parsed(bytes: Vec<u8>) -> Result<(Model, NodeId, [NodeId; 4]), String> {
        let options = ModelOptions::with_ops(OpRegistry::with_ops(&OPERATORS));
        let model = options.load(bytes).map_err(|e| e.to_string())?;
        let input = *model.input_ids().first().ok_or("no input")?;
        let mut outputs = [input; 4];
        for (node, name) in outputs.iter_mut().zip(OUTPUTS) {
            *node = model.node_id(name).map_err(|e| e.to_string())?;
        }
        Ok((model, input, outputs))
    }

    /// The faces of a picture, or what went wrong.
    fn answer(&self, picture: &RgbPicture<'_>) -> Result<Vec<FaceDetection>, String> {
        let padded = |side: usize| side.next_multiple_of(MULTIPLE);
        let (width, height) = (padded(picture.width), padded(picture.height));
        let area = width * height;
        let mut planes = vec![0.0_f32; 3 * area];
        for (row, line) in picture.pixels.chunks_exact(3 * picture.width).enumerate() {
            for (column, pixel) in line.as_chunks::<3>().0.iter().enumerate() {
                for (plane, value) in pixel.iter().enumerate() {
                    planes[plane * area + row * width + column] = f32::from(*value);
                }
            }
        }
        let input = Value::from_shape(&[1, 3, height, width], planes).map_err(|e| e.to_string())?;
        let idle = self.pools.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let pool = idle.unwrap_or_else(|| Arc::new(ThreadPool::with_num_threads(1)));
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&pool)));
        let answered =
            self.model.run(vec![(self.input, input.into())], &self.outputs, Some(options));
        self.pools.lock().unwrap_or_else(PoisonError::into_inner).push(pool);
        let mut maps = vec![];
        for map in answered.map_err(|e| e.to_string())? {
            let map = map.into_tensor::<f32>().ok_or("an answer that is no numbers")?;
            maps.push(map.to_vec());
        }
        let (columns, rows) = (width / CENTERFACE_STRIDE, height / CENTERFACE_STRIDE);
        match maps.as_slice() {
            [heat, scale, offset, points]
                if [heat.len(), points.len()] == [columns * rows, 10 * columns * rows]
                    && [scale.len(), offset.len()] == [2 * columns * rows; 2] =>
            {
                let maps = CenterFaceMaps { heat, scale, offset, points, columns, rows };
                Ok(detections(&maps, (picture.width, picture.height)))
            }
            _ => Err("answers of another size".to_owned()),
        }
    }
}

impl FaceDetector for CenterFace {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn detect(&self, picture: &RgbPicture<'_>) -> Result<Vec<FaceDetection>> {
        let answer = caught_in(|| self.answer(picture)).and_then(|answer| answer);
        answer.map_err(|cause| {
            Error::setting(SETTING, "failed on a picture; check its file").with_source(cause)
        })
    }
}
