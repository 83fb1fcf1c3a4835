//! How a clip is changed into a variant: all that rendering needs to know, as data.
//!
//! Times are in seconds of the source's clock, as in `shots`, unless said otherwise. Nothing here is
//! text that a filter would read: a filtergraph is made of these types alone.

use serde::{Deserialize, Serialize};

use super::column::table;
use super::shot::PictureArea;
use super::spelled::spelled;

spelled! {
    /// How the source's picture fills the variant's.
    Layout {
        /// A window of the variant's shape that follows what draws the eye.
        Crop => "crop",
        /// The whole picture over a blurred, filled copy of itself.
        Fit => "fit",
        /// The whole picture and a close-up of what draws the eye, one above the other (side by side
        /// where that fills the frame better).
        Split => "split",
        /// A window that fills the frame, with the whole picture small in a corner.
        PictureInPicture => "picture_in_picture",
        /// Four different windows, two by two.
        Grid => "grid",
    }
}

spelled! {
    /// How captions look.
    CaptionStyle {
        /// A few words at a time, large, with a short swell.
        BoldPop => "bold_pop",
        /// The word that is spoken is marked, where the cue has times of words; else by their length.
        Karaoke => "karaoke",
        /// White with a dark outline.
        Classic => "classic",
        /// Small, on a dim box.
        Minimal => "minimal",
        /// No captions.
        Off => "off",
    }
}

spelled! {
    /// Where captions go.
    CaptionMode {
        /// Into the picture.
        Burned => "burned",
        /// Into a text track of the file.
        Soft => "soft",
        /// Into `.srt` and `.vtt` files beside it.
        Sidecar => "sidecar",
    }
}

spelled! {
    /// How one segment passes into the next.
    Join {
        /// From one frame to the next.
        Cut => "cut",
        /// Both are seen for a while.
        Dissolve => "dissolve",
        /// The next pushes the last one out.
        Slide => "slide",
    }
}

spelled! {
    /// What is done to the picture beside its layout.
    EffectKind {
        /// From black, and from silence, at the start.
        FadeIn => "fade_in",
        /// To black, and to silence, at the end.
        FadeOut => "fade_out",
        /// A quick zoom towards the middle that eases back, at `at`.
        ZoomPunch => "zoom_punch",
        /// Left and right changed.
        Mirror => "mirror",
        /// Brown tones.
        Sepia => "sepia",
        /// No colour.
        Grayscale => "grayscale",
        /// Darker towards the corners.
        Vignette => "vignette",
        /// Colours torn apart for a moment, at `at`.
        Glitch => "glitch",
    }
}

table! {
    /// A stretch of the source that is shown.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    pub struct Segment {
        /// First frame, in seconds.
        pub start: f64,
        /// End (exclusive), in seconds.
        pub end: f64,
        /// 1 as it is, 2 in half the time; the pitch of the sound stays.
        pub speed: f64,
    }
}

impl Segment {
    /// How long it is seen, in seconds.
    pub fn seen(&self) -> f64 {
        (self.end - self.start) / self.speed
    }
}

table! {
    /// A point of the path that a cropped window follows: its centre. Between two points it moves in a
    /// straight line; two points of one time are a jump, as at a cut.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    pub struct Anchor {
        /// When, in seconds.
        pub t: f64,
        /// Share of the framed picture's width, 0 left to 1 right.
        pub x: f64,
        /// Share of the framed picture's height, 0 top to 1 bottom.
        pub y: f64,
    }
}

table! {
    /// Margins in which the platform draws its own buttons and texts, as shares of width and height.
    #[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
    pub struct SafeZone {
        /// Share of the height from the top.
        pub top: f64,
        /// Share of the width from the right.
        pub right: f64,
        /// Share of the height from the bottom.
        pub bottom: f64,
        /// Share of the width from the left.
        pub left: f64,
    }
}

table! {
    /// An effect.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    pub struct Effect {
        /// Which.
        pub kind: EffectKind,
        /// When, in seconds of the source; NULL: all the time, or where its name says.
        pub at: Option<f64>,
        /// How strong, in (0, 1].
        pub strength: f64,
    }
}

table! {
    /// A variant as rendering sees it.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct Edit {
        /// Width in square pixels, even.
        pub width: i64,
        /// Height in square pixels, even.
        pub height: i64,
        /// Frames a second, constant.
        pub fps: f64,
        /// How the picture fills the frame.
        pub layout: Layout,
        /// The part of the source's picture that is framed, without baked-in bars; NULL: all of it.
        #[serde(default)]
        pub area: Option<PictureArea>,
        /// The path of the window; empty: the middle.
        pub reframe: Vec<Anchor>,
        /// What is shown, in the order in which it is shown; at least one.
        pub segments: Vec<Segment>,
        /// How each segment passes into the next.
        pub join: Join,
        /// How captions look.
        pub caption_style: CaptionStyle,
        /// Where captions go.
        pub caption_mode: CaptionMode,
        /// Language of the captions; NULL: all that there are, or none are shown.
        pub language: Option<String>,
        /// Where no captions and no small picture may stand; all 0 if there are neither.
        pub safe_zone: SafeZone,
        /// Effects, in the order in which they are applied.
        pub effects: Vec<Effect>,
        /// Integrated loudness that the platform plays at, in LUFS; NULL: as it is.
        pub loudness: Option<f64>,
    }
}

/// Counts up whenever the same edit comes to look or sound otherwise: files made before are then not taken
/// for it. 2: `split` is the whole picture and a close-up, the windows of `grid` differ. 3: the blur
/// behind `fit` keeps its colours in small frames; the small picture of `picture_in_picture` is smaller and
/// keeps clear of the subject's face. 4: words are marked when they are said, where the captions tell. 5: words
/// wider than a line are broken, lines run in the direction of their cue, and what is shown at a moment is the last
/// picture at or before it.
pub const EDIT_VERSION: u32 = 5;

/// Length of a dissolve or slide between two segments, in seconds; both are seen in it.
pub const JOIN_SECONDS: f64 = 0.4;

impl Edit {
    /// `segments` with nothing done to them: one after another by cuts, seen through a window in the middle
    /// of the source's picture that fills a frame of `width` × `height` square pixels (both even) at `fps`
    /// frames a second, without captions or effects and as loud as they are. What is to be otherwise is
    /// set over it:
    ///
    /// ```
    /// use clipflow::model::edit::{Edit, Join, Segment};
    ///
    /// let teaser = Segment { start: 41.0, end: 43.0, speed: 1.0 };
    /// let rest = Segment { start: 12.0, end: 44.0, speed: 1.25 };
    /// let plain = Edit::plain((1080, 1920), 30.0, [teaser, rest]);
    /// assert_eq!(plain.duration(), 2.0 + 25.6);
    /// let edit = Edit { join: Join::Dissolve, loudness: Some(-14.0), ..plain };
    /// assert_eq!(edit.duration(), 2.0 + 25.6 - 0.4);
    /// ```
    pub fn plain(
        (width, height): (i64, i64),
        fps: f64,
        segments: impl IntoIterator<Item = Segment>,
    ) -> Self {
        Self {
            width,
            height,
            fps,
            layout: Layout::Crop,
            area: None,
            reframe: Vec::new(),
            segments: segments.into_iter().collect(),
            join: Join::Cut,
            caption_style: CaptionStyle::Off,
            caption_mode: CaptionMode::Burned,
            language: None,
            safe_zone: SafeZone::default(),
            effects: Vec::new(),
            loudness: None,
        }
    }

    /// How long the variant is, in seconds: its segments at their speeds, less what joins overlap.
    pub fn duration(&self) -> f64 {
        let seen: f64 = self.segments.iter().map(Segment::seen).sum();
        let joins = self.segments.len().saturating_sub(1) as f64;
        match self.join {
            Join::Cut => seen,
            Join::Dissolve | Join::Slide => seen - joins * JOIN_SECONDS,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use super::*;

    fn edit() -> Edit {
        Edit {
            width: 1080,
            height: 1920,
            fps: 30.0,
            layout: Layout::Crop,
            area: Some(PictureArea { x: 0, y: 138, width: 1920, height: 804 }),
            reframe: vec![Anchor { t: 3.0, x: 0.5, y: 0.5 }],
            segments: vec![
                Segment { start: 7.0, end: 9.0, speed: 1.0 },
                Segment { start: 3.0, end: 13.0, speed: 1.25 },
            ],
            join: Join::Dissolve,
            caption_style: CaptionStyle::BoldPop,
            caption_mode: CaptionMode::Burned,
            language: Some("en".into()),
            safe_zone: SafeZone::default(),
            effects: vec![Effect { kind: EffectKind::ZoomPunch, at: Some(4.0), strength: 0.5 }],
            loudness: Some(-14.0),
        }
    }

    #[test]
    fn joins_overlap_and_speed_shortens() {
        assert!((edit().duration() - (2.0 + 8.0 - JOIN_SECONDS)).abs() < 1e-12);
        let cut = Edit { join: Join::Cut, ..edit() };
        assert!((cut.duration() - 10.0).abs() < 1e-12);
    }

    #[test]
    fn edits_go_to_arrow_and_back() {
        let refs: Vec<_> = Edit::fields().into_iter().map(Arc::new).collect();
        let edits = vec![edit(), Edit { effects: vec![], loudness: None, ..edit() }];
        let batch = serde_arrow::to_record_batch(&refs, &edits).unwrap();
        let back: Vec<Edit> = serde_arrow::from_record_batch(&batch).unwrap();
        assert_eq!(back, edits);
    }

    #[test]
    fn spellings_are_read_back() {
        for layout in Layout::ALL {
            assert_eq!(Layout::parse(layout.as_str()), Some(*layout));
        }
        assert_eq!(Layout::parse("sideways"), None);
    }
}
