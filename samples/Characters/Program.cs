using System.Diagnostics;
using System.Globalization;
using Characters;

// Reads the characters on a few images, and says what that costs.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
string home = AppContext.BaseDirectory;
string[] labels = File.ReadAllLines(Path.Combine(home, "labels.txt"));
string[] images = [.. Directory.GetFiles(Path.Combine(home, "demo"), "*.pgm").Order(StringComparer.Ordinal)];

Stopwatch watch = Stopwatch.StartNew();
using Recognizer model = Recognizer.Load();
using Recognizer.Request request = model.CreateRequest();
TimeSpan load = watch.Elapsed;

TimeSpan first = default;
Console.WriteLine("image      reads as   sure of it   otherwise");
foreach (string image in images)
{
    // The model's first kernel reads bytes, and its mean and scale are in it: the pixels go in as they are.
    GrayMap.Read(image).Pixels.CopyTo(request.Image);

    watch.Restart();
    request.Infer();
    if (first == default) first = watch.Elapsed;

    int[] ranking = Ranking(request.Probabilities);
    float[] probabilities = request.Probabilities.ToArray();
    Console.WriteLine($"{Path.GetFileName(image),-10} {labels[ranking[0]],-10} {probabilities[ranking[0]],8:P1}     {labels[ranking[1]]} {probabilities[ranking[1]]:P1}");
}

List<double> milliseconds = [];
for (Stopwatch all = Stopwatch.StartNew(); all.ElapsedMilliseconds < 2000;)
{
    watch.Restart();
    request.Infer();
    milliseconds.Add(watch.Elapsed.TotalMilliseconds);
}

milliseconds.Sort();
Console.WriteLine();
foreach (string build in args) Row(build.Split('=')[0], build.Split('=')[1]);
Row("deployed", $"{Deployed(home) / 1e3:F0} kB");
Row("load, create a request", $"{load.TotalMilliseconds:F1} ms");
Row("first inference", $"{first.TotalMilliseconds:F2} ms");
Row("steady latency", $"{milliseconds[milliseconds.Count / 2]:F4} ms (median of {milliseconds.Count})");
Row("kernels", $"{model.Info.Isa}, {model.Info.Threads} threads");

static void Row(string name, string value) => Console.WriteLine($"{name,-24} {value}");

static int[] Ranking(ReadOnlySpan<float> probabilities)
{
    float[] keys = probabilities.ToArray();
    int[] ranking = [.. Enumerable.Range(0, keys.Length)];
    Array.Sort(keys, ranking);
    Array.Reverse(ranking);
    return ranking;
}

// What is copied to the user's machine: the program without its symbols and without the demo's images.
static long Deployed(string folder) => new DirectoryInfo(folder).GetFiles()
    .Where(file => file.Extension is ".dll" or ".json" or ".weights" or "" or ".exe")
    .Sum(file => file.Length);
