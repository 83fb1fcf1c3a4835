from clipflow import run_comprehensive_benchmark

# Run performance benchmarks
benchmark_results = run_comprehensive_benchmark()

# Analyze results
for test_name, results in benchmark_results.items():
    print(f"{test_name}: {results}")
