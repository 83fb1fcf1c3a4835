//! Pictures that change their size, or the shape of their pixels, in mid-stream: all are shown in the shape of the first.

use super::probe::VideoStream;

/// Size and shape that a stream states for its pictures, as they are stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct StoredShape {
    /// Width and height in pixels.
    pub(crate) size: (i64, i64),
    /// Width of a pixel by its height.
    pub(crate) sample_aspect: f64,
}

impl From<&VideoStream> for StoredShape {
    fn from(video: &VideoStream) -> Self {
        let size = (video.stored_width, video.stored_height);
        Self { size, sample_aspect: video.sample_aspect }
    }
}

impl StoredShape {
    /// The shape after a turn by so many degrees.
    pub(crate) fn turned(self, degrees: i64) -> Self {
        if degrees % 180 == 0 {
            return self;
        }
        let (wide, high) = self.size;
        Self { size: (high, wide), sample_aspect: 1.0 / self.sample_aspect.max(1e-3) }
    }
}

/// The filter that turns stored pictures upright, for those that are not mirrored; empty if they are.
pub(crate) fn turned(rotation: i64) -> &'static str {
    match rotation {
        90 => ",transpose=clock",
        180 => ",hflip,vflip",
        270 => ",transpose=cclock",
        _ => "",
    }
}

/// Filters that scale every picture, as it is stored, into `size`: those of the stated size and shape to all of it,
/// others as large as fits, with room beside them.
pub(crate) fn scaled(stored: StoredShape, (wide, high): (u32, u32), flags: &str) -> String {
    let usual = usual(stored);
    // How wide the picture is to be shown beside how high, in the shape of what is drawn: square pixels, unless
    // the size is that of an analysis picture.
    let shown = stored.size.0 as f64 * stored.sample_aspect / stored.size.1.max(1) as f64;
    let stretched = f64::from(wide) / f64::from(high) / shown.max(1e-3);
    let shape = format!("(iw*max(sar,0.001)*{stretched:.6}/ih)");
    let w = format!("if({usual},{wide},max(2,2*round(min({wide},{high}*{shape})/2)))");
    let h = format!("if({usual},{high},max(2,2*round(min({high},{wide}/{shape})/2)))");
    format!("scale=w='{w}':h='{h}':eval=frame:flags={flags}")
}

/// The filter after [`scaled`] (and a conversion of format) that centres what is smaller.
pub(crate) fn padded((wide, high): (u32, u32)) -> String {
    format!("pad=w={wide}:h={high}:x=(ow-iw)/2:y=(oh-ih)/2:eval=frame")
}

/// An expression of whether a picture has the size and pixels that the stream states.
fn usual(stored: StoredShape) -> String {
    let (wide, high) = stored.size;
    // Pixels of unknown shape count as square, here and in the probe.
    let pixels = format!("lt(abs(if(gt(sar,0),sar,1)-{:.6}),0.002)", stored.sample_aspect);
    format!("eq(iw,{wide})*eq(ih,{high})*{pixels}")
}
