//! `audio_track_error(audio_track)`.

use std::sync::Arc;

use arrow::array::{Array, StringArray};
use arrow::datatypes::DataType;

use super::columns::text;
use super::function::Function;
use crate::kernels::sound_wish::SoundWish;
use crate::query::arguments::{About, Argument, ArgumentKind, FunctionArguments, section};

/// `audio_track_error(audio_track)`: what is wrong with the sound track that a request names, as a sentence; NULL
/// where nothing is, and for NULL.
pub fn audio_track_error() -> Function {
    let arguments = FunctionArguments::new([Argument::new(
        "audio_track",
        ArgumentKind::Text,
        "The number of a track from 1 on, a language, or mix",
    )]);
    let about = About::new(
        section::REQUESTS,
        "What is wrong with the sound track that a request names, as a sentence; NULL where nothing is, and for NULL.",
        "SELECT audio_track_error('0')",
    );
    Function::new("audio_track_error", arguments, DataType::Utf8, about, |args| {
        let texts = text(&args[0])?;
        let wrong = |cell: Option<&str>| {
            let named = cell.map(str::trim).filter(|cell| !cell.is_empty())?;
            SoundWish::parse(named).err().map(|error| error.message().to_owned())
        };
        Ok(Arc::new(texts.iter().map(wrong).collect::<StringArray>()) as Arc<dyn Array>)
    })
}
