//! A user's column may be called anything.

use serde_json::Value;

use super::{answer, by, folder, row};

#[test]
fn columns_with_names_of_ours_are_carried_under_another() {
    let files = folder(&[
        (
            "days.csv",
            "variant_id,day,views,first_views,variants,left_out,Views\na,2026-05-01,3,1,x,y,9\n",
        ),
        (
            "raw.csv",
            "variant_id,event,views,holds,starts,hours,audience_reach,metric_version\na,view,5,h,s,1,2,3\n",
        ),
        (
            "odd.csv",
            "variant_id,views,\"a \"\"b\"\"\",select,order by,{x},'q',duration\na,3,1,2,3,4,5,long\n",
        ),
        ("space.csv", "variant_id,views, likes\na, 5, 1\n"),
    ]);
    let path = files.path();
    let (rows, said) = answer(
        path,
        "days.csv",
        &["views", "--by", "input_first_views,input_variants,input_left_out,input_Views"],
    );
    assert_eq!(rows[0]["views"], Value::from(3));
    let inputs = ["input_first_views", "input_variants", "input_left_out", "input_Views"];
    assert_eq!(inputs.map(|name| rows[0][name].clone()), ["1", "x", "y", "9"].map(Value::from));
    assert!(said.contains("first_views of the events is named input_first_views"), "{said}");
    let metrics = "views,completion_rate,hold_rate,audience_reach";
    let (rows, _) = answer(
        path,
        "raw.csv",
        &[metrics, "--by", "holds,starts,hours,input_views,input_audience_reach"],
    );
    assert_eq!((&rows[0]["views"], &rows[0]["holds"]), (&Value::from(1), &Value::from("h")));
    for column in ["a \"b\"", "select", "order by", "{x}", "'q'", "duration"] {
        let of = by(path, "odd.csv", "views", column);
        assert_eq!(of.into_values().collect::<Vec<_>>(), [Some(3.0)], "{column}");
    }
    // A length that is no number is none.
    assert_eq!(
        row(path, "odd.csv", "average_watch_ratio,views")["average_watch_ratio"],
        Value::Null
    );
    let row = row(path, "space.csv", "views,likes");
    assert_eq!((&row["views"], &row["likes"]), (&Value::from(5), &Value::from(1)));
}
