//! What goes from Arrow to Polars and back is what it was.

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema, SchemaRef, TimeUnit};
use clipflow::ErrorCode;
use clipflow::model::Candidate;
use clipflow::query::polars::{to_array, to_frame, to_record_batch, to_series};
use proptest::collection::vec;
use proptest::prelude::*;

/// The types that cross, nested three deep at the most.
fn data_type() -> impl Strategy<Value = DataType> {
    let leaf = proptest::sample::select(vec![
        DataType::Int64,
        DataType::Int32,
        DataType::UInt8,
        DataType::Float64,
        DataType::Float32,
        DataType::Boolean,
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Utf8View,
        DataType::Binary,
        DataType::Date32,
        DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(TimeUnit::Second, None),
        DataType::Duration(TimeUnit::Millisecond),
        DataType::Int8,
        DataType::Null,
    ]);
    leaf.prop_recursive(3, 12, 3, |inner| {
        let structs = vec(inner.clone(), 1..4).prop_map(|types| {
            let fields = types.into_iter().enumerate().map(|(i, t)| Field::new(format!("f{i}"), t, true));
            DataType::Struct(fields.collect())
        });
        prop_oneof![2 => structs, 3 => inner.prop_map(|t| DataType::List(Arc::new(Field::new_list_field(t, true))))]
    })
}

/// Numbers among which are those that compare in odd ways.
fn float() -> impl Strategy<Value = f64> {
    prop_oneof![Just(f64::NAN), Just(-0.0), Just(0.0), Just(f64::NEG_INFINITY), any::<f64>()]
}

fn options<T: std::fmt::Debug>(
    value: impl Strategy<Value = T>,
    rows: usize,
) -> impl Strategy<Value = Vec<Option<T>>> {
    vec(proptest::option::weighted(0.8, value), rows)
}

/// Values of a type, about one in five of them NULL.
fn array(of: DataType, rows: usize) -> BoxedStrategy<ArrayRef> {
    let from_int = |range: std::ops::Range<i64>, of: DataType| {
        let ints = options(range, rows).prop_map(Int64Array::from);
        ints.prop_map(move |a| cast(&a, &of).unwrap()).boxed()
    };
    match &of {
        DataType::Null => Just(new_null_array(&of, rows)).boxed(),
        DataType::Int8 => from_int(-128..128, of),
        DataType::UInt8 => from_int(0..256, of),
        DataType::Int32 => from_int(i32::MIN.into()..i32::MAX.into(), of),
        DataType::Date32 => {
            let days = options(-100_000..100_000, rows).prop_map(Date32Array::from);
            days.prop_map(|a| Arc::new(a) as ArrayRef).boxed()
        }
        DataType::Timestamp(TimeUnit::Second, _) => from_int(-1 << 40..1 << 40, of),
        DataType::Int64 | DataType::Timestamp(..) | DataType::Duration(_) => {
            from_int(i64::MIN..i64::MAX, of)
        }
        DataType::Float64 | DataType::Float32 => options(float(), rows)
            .prop_map(move |v| cast(&Float64Array::from(v), &of).unwrap())
            .boxed(),
        DataType::Boolean => options(any::<bool>(), rows)
            .prop_map(|v| Arc::new(BooleanArray::from(v)) as ArrayRef)
            .boxed(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Binary => {
            let texts = options(".{0,20}", rows).prop_map(StringArray::from);
            texts.prop_map(move |a| cast(&a, &of).unwrap()).boxed()
        }
        DataType::Struct(fields) => {
            let fields = fields.clone();
            let columns: Vec<_> =
                fields.iter().map(|f| array(f.data_type().clone(), rows)).collect();
            let valid = vec(proptest::bool::weighted(0.8), rows);
            let build = move |(columns, valid): (Vec<ArrayRef>, Vec<bool>)| {
                Arc::new(StructArray::new(fields.clone(), columns, Some(NullBuffer::from(valid))))
                    as ArrayRef
            };
            (columns, valid).prop_map(build).boxed()
        }
        DataType::List(item) => {
            let item = Arc::clone(item);
            let lists = vec((0..4usize, proptest::bool::weighted(0.8)), rows);
            let build = move |lists: Vec<(usize, bool)>| {
                // A NULL list may have values behind it that are not to be seen.
                let offsets = OffsetBuffer::from_lengths(lists.iter().map(|l| l.0));
                let valid = NullBuffer::from_iter(lists.iter().map(|l| l.1));
                let item = Arc::clone(&item);
                let values = array(item.data_type().clone(), lists.iter().map(|l| l.0).sum());
                values.prop_map(move |values| {
                    Arc::new(ListArray::new(
                        Arc::clone(&item),
                        offsets.clone(),
                        values,
                        Some(valid.clone()),
                    )) as ArrayRef
                })
            };
            lists.prop_flat_map(build).boxed()
        }
        other => panic!("no values of {other}"),
    }
}

/// Up to three columns in up to three batches, each cut out of a longer one.
fn batches() -> impl Strategy<Value = (SchemaRef, Vec<RecordBatch>)> {
    vec(data_type(), 1..4).prop_flat_map(|types| {
        let fields =
            types.iter().enumerate().map(|(i, t)| Field::new(format!("c{i}"), t.clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let inner = Arc::clone(&schema);
        let batch =
            (0..12usize, 0..5usize, 0..5usize).prop_flat_map(move |(rows, before, after)| {
                let schema = Arc::clone(&inner);
                let columns: Vec<_> =
                    types.iter().map(|t| array(t.clone(), before + rows + after)).collect();
                columns.prop_map(move |c| {
                    RecordBatch::try_new(Arc::clone(&schema), c).unwrap().slice(before, rows)
                })
            });
        vec(batch, 0..4).prop_map(move |batches| (Arc::clone(&schema), batches))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn batches_come_back_as_they_were((schema, batches) in batches(), cut in 0..20usize) {
        let whole = concat_batches(&schema, &batches).unwrap();
        let frame = to_frame(&schema, &batches).unwrap();
        prop_assert_eq!(frame.height(), whole.num_rows());
        prop_assert_eq!(&to_record_batch(&frame, Some(&schema)).unwrap(), &whole);
        // A part of the frame is a part of the rows: offsets survive the other way too.
        let cut = cut.min(whole.num_rows());
        let rest = to_record_batch(&frame.slice(cut as i64, usize::MAX), Some(&schema)).unwrap();
        prop_assert_eq!(&rest, &whole.slice(cut, whole.num_rows() - cut));
        // Without a schema the types are plain, and stay so however often the rows cross.
        let plain = to_record_batch(&frame, None).unwrap();
        let again = to_frame(plain.schema_ref(), std::slice::from_ref(&plain)).unwrap();
        prop_assert_eq!(again.schema(), frame.schema());
        prop_assert_eq!(to_record_batch(&again, None).unwrap(), plain);
    }
}

#[test]
fn nan_payloads_and_the_sign_of_zero_survive() {
    let odd =
        [f64::from_bits(0x7ff8_0000_0000_1234), -f64::NAN, -0.0, 0.0, f64::MIN_POSITIVE / 8.0];
    let array: ArrayRef = Arc::new(Float64Array::from(odd.to_vec()));
    let back = to_array(&to_series("x", &[array]).unwrap()).unwrap();
    let bits = |v: &[f64]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(back.as_primitive::<Float64Type>().values()), bits(&odd));
}

#[test]
fn numbers_cross_without_a_copy() {
    let numbers = Int64Array::from_iter_values(0..1000);
    let series = to_series("x", &[Arc::new(numbers.slice(10, 900))]).unwrap();
    let back = to_array(&series).unwrap();
    assert_eq!(back.as_primitive::<Int64Type>().values().as_ptr(), numbers.values()[10..].as_ptr());
}

#[test]
fn the_schema_that_is_asked_for_is_applied() {
    let rows = StructArray::from(vec![
        (
            Arc::new(Field::new("start", DataType::Float64, true)),
            Arc::new(Float64Array::from(vec![1.0, 2.0])) as ArrayRef,
        ),
        (
            Arc::new(Field::new("text", DataType::LargeUtf8, true)),
            Arc::new(LargeStringArray::from(vec!["a", "b"])),
        ),
    ]);
    let item = Arc::new(Field::new("item", rows.data_type().clone(), true));
    let lists = LargeListArray::new(item, OffsetBuffer::from_lengths([0, 2]), Arc::new(rows), None);
    let batch = RecordBatch::try_from_iter([
        ("other", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef),
        ("rows", Arc::new(lists)),
    ])
    .unwrap();
    let frame = to_frame(batch.schema_ref(), std::slice::from_ref(&batch)).unwrap();
    let item = DataType::Struct(
        vec![
            Field::new("start", DataType::Float64, false),
            Field::new("text", DataType::Utf8, false),
        ]
        .into(),
    );
    let list = DataType::List(Arc::new(Field::new_list_field(item, false)));
    let schema = Arc::new(Schema::new(vec![Field::new("rows", list, false)]));
    let back = to_record_batch(&frame, Some(&schema)).unwrap();
    assert_eq!(back.schema(), schema);
    assert_eq!(back.column(0).as_list::<i32>().value_length(1), 2);
}

#[test]
fn what_does_not_fit_is_refused_with_the_name_of_the_column() {
    let column = |array: ArrayRef| {
        RecordBatch::try_from_iter_with_nullable([("price", array, true)]).unwrap()
    };
    let decimals = column(Arc::new(Decimal128Array::from(vec![1, 2])));
    let error = to_frame(decimals.schema_ref(), std::slice::from_ref(&decimals)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InputColumn);
    assert!(error.message().contains("price is Decimal128"), "{error}");
    let numbers = column(Arc::new(Int64Array::from(vec![Some(1), None])));
    let frame = to_frame(numbers.schema_ref(), std::slice::from_ref(&numbers)).unwrap();
    let want = |name: &str, t: DataType, nullable| {
        Arc::new(Schema::new(vec![Field::new(name, t, nullable)]))
    };
    for schema in [
        want("price", DataType::Int64, false),
        want("price", Candidate::data_type(), true),
        want("cost", DataType::Int64, true),
    ] {
        let error = to_record_batch(&frame, Some(&schema)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InputColumn, "{error}");
    }
    assert!(to_frame(numbers.schema_ref(), &[numbers.clone(), decimals]).is_err());
    assert!(to_series("x", &[]).is_err());
}
