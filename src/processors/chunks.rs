//! Chunks of a batch, and of a stream of batches.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use futures::Stream;

use crate::error::{Error, ErrorCode, Result};

/// The rows of `batch` in pieces of `chunk_size` (at least 1), the last one shorter. Nothing is
/// copied.
///
/// ```
/// use arrow::array::{Int64Array, RecordBatch};
/// use clipflow::processors::chunk_data;
///
/// let numbers = std::sync::Arc::new(Int64Array::from_iter_values(0..5));
/// let batch = RecordBatch::try_from_iter([("n", numbers as _)])?;
/// let rows: Vec<usize> = chunk_data(&batch, 2).map(|chunk| chunk.num_rows()).collect();
/// assert_eq!(rows, [2, 2, 1]);
/// # Ok::<(), arrow::error::ArrowError>(())
/// ```
pub fn chunk_data(batch: &RecordBatch, chunk_size: usize) -> impl Iterator<Item = RecordBatch> {
    let (batch, size) = (batch.clone(), chunk_size.max(1));
    let rows = batch.num_rows();
    (0..rows).step_by(size).map(move |start| batch.slice(start, size.min(rows - start)))
}

/// A stream of batches as a stream of batches of `size` rows. One is shorter where the columns change
/// and at the end.
pub(super) struct ChunkStream<S> {
    input: Pin<Box<S>>,
    size: usize,
    waiting: Vec<RecordBatch>,
    /// Rest of a batch that was longer than a chunk.
    rest: Option<RecordBatch>,
    is_over: bool,
    /// Error that ended the input.
    error: Option<Error>,
}

impl<S> ChunkStream<S> {
    pub(super) fn new(input: S, size: usize) -> Self {
        let input = Box::pin(input);
        Self { input, size: size.max(1), waiting: vec![], rest: None, is_over: false, error: None }
    }

    fn rows(&self) -> usize {
        self.waiting.iter().map(RecordBatch::num_rows).sum()
    }

    /// Take as much of `batch` as fits; a chunk, if one is full.
    fn take(&mut self, batch: RecordBatch) -> Option<Result<RecordBatch>> {
        if self.waiting.first().is_some_and(|first| first.schema() != batch.schema()) {
            self.rest = Some(batch);
            return self.flush();
        }
        let fits = (self.size - self.rows()).min(batch.num_rows());
        if fits < batch.num_rows() {
            self.rest = Some(batch.slice(fits, batch.num_rows() - fits));
        }
        self.waiting.push(batch.slice(0, fits));
        if self.rows() == self.size { self.flush() } else { None }
    }

    fn flush(&mut self) -> Option<Result<RecordBatch>> {
        let waiting = std::mem::take(&mut self.waiting);
        let schema = waiting.first()?.schema();
        Some(concat_batches(&schema, &waiting).map_err(|e| {
            Error::new(ErrorCode::Internal, format!("batches do not make one: {e}")).with_source(e)
        }))
    }
}

impl<S: Stream<Item = Result<RecordBatch>>> Stream for ChunkStream<S> {
    type Item = Result<RecordBatch>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(rest) = this.rest.take()
                && let Some(chunk) = this.take(rest)
            {
                return Poll::Ready(Some(chunk));
            }
            if this.rest.is_some() {
                continue;
            }
            if this.is_over {
                // Rows before the error are answered first.
                return Poll::Ready(this.flush().or_else(|| this.error.take().map(Err)));
            }
            match ready!(this.input.as_mut().poll_next(context)) {
                Some(Ok(batch)) if batch.num_rows() > 0 => this.rest = Some(batch),
                Some(Ok(_)) => {}
                Some(Err(e)) => {
                    this.is_over = true;
                    this.error = Some(e);
                }
                None => this.is_over = true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, Int64Array};
    use arrow::datatypes::Int64Type;
    use futures::{StreamExt, stream};

    use super::*;

    fn batch(name: &str, numbers: std::ops::Range<i64>) -> RecordBatch {
        let array: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers));
        RecordBatch::try_from_iter([(name, array)]).unwrap()
    }

    fn numbers(batch: &RecordBatch) -> Vec<i64> {
        batch.column(0).as_primitive::<Int64Type>().values().to_vec()
    }

    async fn chunked(batches: Vec<RecordBatch>, size: usize) -> Vec<Vec<i64>> {
        let chunks = ChunkStream::new(stream::iter(batches.into_iter().map(Ok)), size);
        chunks.map(|chunk| numbers(&chunk.unwrap())).collect().await
    }

    #[tokio::test]
    async fn batches_of_any_size_become_chunks_of_one() {
        for cuts in [vec![0, 10], vec![0, 1, 1, 2, 9, 10], (0..=10).collect()] {
            let batches: Vec<_> = cuts.windows(2).map(|w| batch("n", w[0]..w[1])).collect();
            for size in 1..12 {
                let chunks = chunked(batches.clone(), size).await;
                assert_eq!(chunks.concat(), (0..10).collect::<Vec<_>>());
                let (last, full) = chunks.split_last().unwrap();
                assert!(full.iter().all(|c| c.len() == size) && (1..=size).contains(&last.len()));
            }
        }
        assert!(chunked(vec![], 3).await.is_empty());
    }

    #[tokio::test]
    async fn other_columns_begin_another_chunk() {
        let batches = vec![batch("a", 0..3), batch("b", 3..8), batch("a", 8..9)];
        assert_eq!(chunked(batches, 4).await, [vec![0, 1, 2], vec![3, 4, 5, 6], vec![7], vec![8]]);
    }

    #[tokio::test]
    async fn an_error_of_the_input_ends_it() {
        let error = Error::new(ErrorCode::InputUnreadable, "no more");
        let items = vec![Ok(batch("n", 0..5)), Err(error), Ok(batch("n", 5..9))];
        let found: Vec<_> = ChunkStream::new(stream::iter(items), 2).collect().await;
        let full: Vec<_> = found.iter().flatten().map(numbers).collect();
        assert_eq!(full, [vec![0, 1], vec![2, 3], vec![4]]);
        assert_eq!(found.len(), 4);
        assert_eq!(found[3].as_ref().unwrap_err().code(), ErrorCode::InputUnreadable);
    }

    #[test]
    fn a_batch_is_cut_without_copies() {
        let whole = batch("n", 0..7);
        let chunks: Vec<_> = chunk_data(&whole, 3).collect();
        assert_eq!(chunks.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [3, 3, 1]);
        assert_eq!(numbers(&chunks[1]), [3, 4, 5]);
        let (all, second) =
            (whole.column(0).as_primitive::<Int64Type>(), chunks[1].column(0).as_primitive());
        let second: &arrow::array::PrimitiveArray<Int64Type> = second;
        assert_eq!(&raw const all.values()[3], &raw const second.values()[0]);
        assert_eq!(chunk_data(&whole, 0).count(), 7);
    }
}
