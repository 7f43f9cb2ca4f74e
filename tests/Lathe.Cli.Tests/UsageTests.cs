namespace Lathe.Cli.Tests;

public sealed class UsageTests
{
    private static readonly string[] Commands = ["compile", "run", "verify", "bench", "inspect", "quantize", "tune", "devices", "conformance"];

    [Test]
    public void Help_NamesEveryCommand()
    {
        (int exitCode, string output, _) = Cli.Run("--help");
        Assert.That(exitCode, Is.Zero);
        foreach (string command in Commands) Assert.That(output, Does.Contain($"  {command}"));
    }

    [Test]
    public void Help_OfACommandThatLacksItsArguments_IsShown([ValueSource(nameof(Commands))] string command)
    {
        (int exitCode, string output, string error) = Cli.Run(command, "--help");
        Assert.That(exitCode, Is.Zero);
        Assert.That(output, Does.Contain("Usage:"));
        Assert.That(error, Is.Empty);
    }

    [TestCase("compile")]
    [TestCase("run")]
    [TestCase("verify")]
    [TestCase("bench")]
    [TestCase("conformance")]
    [TestCase("inspect")]
    [TestCase("tune")]
    public void Help_NamesTheOptionsThatModelCommandsShare(string command)
    {
        string help = Cli.Run(command, "--help").Output;
        Assert.That(help.Contains("--tuning"), Is.EqualTo(command != "tune"), "a record is what tune makes");
        foreach (string option in (string[])
            [
                "--precision", "--device", "-d", "--affinity", "--device-profile", "--device-fallback", "--require-device", "--mean", "--scale", "--input-format", "--resize", "--postprocess", "--labels", "--shape", "--calibration", "--kernels", "--isa", "--threads",
                "-nthreads", "--denormals", "--winograd", "--dump-after", "--json",
            ])
            Assert.That(help, Does.Contain(option));
    }

    [Test]
    public void Help_OfQuantize_NamesOnlyWhatItTakes()
    {
        string help = Cli.Run("quantize", "--help").Output;
        foreach (string option in (string[])["--mean", "--scale", "--input-format", "--resize", "--shape", "--threads", "--calibration", "--calibrator", "--min-sqnr", "--bias-correction", "--output", "--json"])
            Assert.That(help, Does.Contain(option));
        foreach (string option in (string[])["--precision", "--device", "--affinity", "--require-device", "--kernels", "--isa", "--winograd", "--denormals", "--class", "--postprocess", "--labels", "--tuning", "--dump-after", "--no-optimize"])
            Assert.That(help, Does.Not.Contain($" {option} "));
    }

    [Test]
    public void Help_OfBench_HasTheUsualNames()
    {
        string help = Cli.Run("bench", "--help").Output;
        foreach (string option in (string[])["-m", "-api", "-nireq", "-nstreams", "-b", "-t", "-niter", "-pc", "-hint", "-enforcebf16", "-pin", "--input"])
            Assert.That(help, Does.Contain($" {option}"));
    }

    [TestCase("")]
    [TestCase("nonsense")]
    [TestCase("run")]
    [TestCase("run a.onnx b.onnx")]
    [TestCase("run a.onnx --nonsense")]
    [TestCase("run a.onnx --seed")]
    [TestCase("run a.onnx --seed -1")]
    [TestCase("run a.onnx --seed 1 --seed 2")]
    [TestCase("run a.onnx --input x")]
    [TestCase("run a.onnx --input x=")]
    [TestCase("run a.onnx --input x=1.npy --input x=2.npy")]
    [TestCase("run a.onnx --precision fp31")]
    [TestCase("run a.onnx --device HETERO:SIM,CPU --precision SIM=fp31")]
    [TestCase("bench a.onnx --device HETERO:SIM,CPU --precision SIM=fp16 -enforcebf16 true")]
    [TestCase("bench a.onnx --device HETERO:SIM,CPU --precision SIM=fp16 --precisions fp32,bf16")]
    [TestCase("run a.onnx --device TPU")]
    [TestCase("run a.onnx --device HETERO:")]
    [TestCase("run a.onnx --device SIM")]
    [TestCase("run a.onnx --affinity priority")]
    [TestCase("run a.onnx --device GPU --device-profile p.json")]
    [TestCase("run a.onnx --device-fallback off")]
    [TestCase("run a.onnx --device HETERO:SIM,CPU --device-fallback maybe")]
    [TestCase("run a.onnx --require-device")]
    [TestCase("run a.dll --device HETERO:SIM,CPU")]
    [TestCase("run a.dll --affinity priority")]
    [TestCase("inspect a.onnx --dot d")]
    [TestCase("inspect a.onnx --measured m.json")]
    [TestCase("run a.onnx --kernels fast")]
    [TestCase("run a.onnx --isa avx512,sse")]
    [TestCase("run a.onnx --emulate")]
    [TestCase("run a.onnx --isa avx512,avx2 --emulate")]
    [TestCase("run a.onnx --isa avx2 --emulate")]
    [TestCase("compile a.onnx -o out --isa avx512 --emulate")]
    [TestCase("run a.onnx --threads 0")]
    [TestCase("run a.onnx -nthreads two")]
    [TestCase("run a.onnx --denormals maybe")]
    [TestCase("run a.onnx --winograd yes")]
    [TestCase("run a.onnx --mean 1,two,3")]
    [TestCase("run a.onnx --mean 1 --mean 2")]
    [TestCase("run a.onnx --postprocess smooth")]
    [TestCase("run a.onnx --postprocess softmax --postprocess sigmoid")]
    [TestCase("run a.onnx --resize")]
    [TestCase("run a.onnx --resize squash")]
    [TestCase("run a.onnx --resize x:letterbox,align_corners")]
    [TestCase("run a.onnx --resize stretch,fill=3")]
    [TestCase("run a.onnx --resize letterbox,fill=red")]
    [TestCase("run a.onnx --resize crop --resize stretch")]
    [TestCase("run a.dll --resize crop")]
    [TestCase("run a.onnx --labels y=")]
    [TestCase("run a.dll --postprocess softmax")]
    [TestCase("run a.dll --labels y.txt")]
    [TestCase("run a.onnx --scale 1,0,1")]
    [TestCase("run a.onnx --scale 1e300")]
    [TestCase("run a.onnx --shape x")]
    [TestCase("run a.onnx --shape x=1,-2")]
    [TestCase("run a.onnx --shape x=N=1..b")]
    [TestCase("run a.onnx --shape x=1 --shape x=2")]
    [TestCase("run a.onnx --input-format u8,NWHC")]
    [TestCase("run a.onnx --input-format u8,f32")]
    [TestCase("run a.onnx --input-format NHWC,NCHW")]
    [TestCase("run a.onnx --input-format RGB,BGR")]
    [TestCase("run a.onnx --input-format RGBP,NHWC")]
    [TestCase("run a.onnx --input-format NHWC,RGBP")]
    [TestCase("run a.onnx --input-format RGB,RGBP")]
    [TestCase("run a.onnx --input-format RGB,model=GBR")]
    [TestCase("run a.onnx --input-format RGB,model=RGB,model=BGR")]
    [TestCase("run a.onnx --input-format u8 --input-format NHWC")]
    [TestCase("run a.onnx --input-format x:u8 --input-format x:u8")]
    [TestCase("run a.onnx --input-format x:")]
    [TestCase("run a.dll --input-format u8")]
    [TestCase("run a.onnx --class 1Model")]
    [TestCase("compile a.onnx")]
    [TestCase("compile a.dll -o out")]
    [TestCase("inspect a.dll")]
    [TestCase("run a.dll --mean 1")]
    [TestCase("run a.dll --isa avx2")]
    [TestCase("verify a.onnx")]
    [TestCase("verify a.onnx --data d --rtol -1")]
    [TestCase("verify a.onnx --data d --allow 1.5")]
    [TestCase("verify a.onnx --data d --top 0")]
    [TestCase("bench")]
    [TestCase("bench a.onnx -m b.onnx")]
    [TestCase("bench a.onnx -api both")]
    [TestCase("bench a.onnx -nireq 1 -nstreams 2")]
    [TestCase("bench a.onnx -t -1")]
    [TestCase("bench a.onnx -niter 0")]
    [TestCase("bench a.onnx -hint speed")]
    [TestCase("bench a.onnx -enforcebf16=perhaps")]
    [TestCase("bench a.onnx -enforcebf16=true --precision fp16")]
    [TestCase("bench a.onnx -enforcebf16=false --precision bf16")]
    [TestCase("bench a.dll -enforcebf16=true")]
    [TestCase("conformance")]
    [TestCase("conformance d --filter (")]
    [TestCase("conformance d --jobs 0")]
    [TestCase("quantize a.onnx --calibration c -o q.onnx --precision int8")]
    [TestCase("quantize a.onnx --calibration c -o q.onnx --device GPU")]
    [TestCase("quantize a.onnx --calibration c -o q.onnx --affinity rules.txt")]
    [TestCase("quantize a.onnx --calibration c -o q.onnx --kernels native")]
    [TestCase("quantize a.onnx --calibration c -o q.onnx --isa avx2")]
    [TestCase("quantize a.onnx --calibration c -o q.onnx --winograd off")]
    [TestCase("quantize a.onnx --calibration c -o q.onnx --denormals keep")]
    [TestCase("quantize a.onnx --calibration c -o q.onnx --class A")]
    [TestCase("quantize a.onnx --calibration c -o q.onnx --postprocess softmax")]
    [TestCase("quantize a.onnx --calibration c -o q.onnx --labels y.txt")]
    [TestCase("quantize a.onnx --calibration c -o q.onnx --tuning t.json")]
    [TestCase("quantize a.onnx --calibration c -o q.onnx --dump-after fold")]
    [TestCase("quantize a.onnx --calibration c -o q.onnx --no-optimize")]
    public void WrongUsage_ExitsWith2AndSaysSo(string line)
    {
        string error = Cli.Fails(2, line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.That(error, Does.StartWith("lathe : error LATHE0601: ").And.EndsWith("\n"));
        Assert.That(error.Trim(), Does.Not.Contain('\n'));
    }

    [Test]
    public void WrongUsage_WithJson_IsJsonToo() =>
        Assert.That(Cli.Json(2, "failure", "run").GetProperty("errors")[0].GetProperty("id").GetString(), Is.EqualTo("LATHE0601"));

    [TestCase("-d MULTI:CPU,GPU")]
    public void WhatThisVersionDoesNotDo_IsRefusedByName(string options)
    {
        string[] parts = options.Split(' ');
        string name = parts[0] == "-d" ? "--device" : parts[0];
        foreach (string command in Commands.Where(command => command is not ("devices" or "quantize")))
        {
            string error = Cli.Fails(1, [.. Minimal(command), .. parts]);
            Assert.That(error, Does.Match($@"^\S+ : error LATHE0007: option {name}: .*not available"));
        }
    }

    [Test]
    public void WhatThisVersionDoesNotDo_IsReportedAllAtOnce()
    {
        string error = Cli.Fails(1, "conformance", "a.onnx", "--precision", "int8", "--device", "MULTI:GPU,CPU");
        Assert.That(error.Split('\n', StringSplitOptions.RemoveEmptyEntries), Has.Length.EqualTo(2).And.All.Contains(" : error LATHE0007: option --"));
    }

    [TestCase("-pin=yes")]
    public void Bench_WhatThisVersionDoesNotDo_IsRefused(string option) =>
        Assert.That(Cli.Fails(1, "bench", "-m", "a.onnx", option), Does.StartWith($"a.onnx : error LATHE0007: option {option.Split('=')[0]}: "));

    [Test]
    public void MissingAssembly_IsOneDiagnostic() => Assert.That(Cli.Fails(1, "run", "missing.dll").Trim(), Does.Match(@"^missing\.dll : error LATHE0501: [^\n]+$"));

    private static string[] Minimal(string command) => command switch
    {
        "compile" => ["compile", "missing.onnx", "-o", Path.Combine(Path.GetTempPath(), "lathe-none")],
        "verify" => ["verify", "missing.onnx", "--data", AppContext.BaseDirectory],
        _ => [command, "missing.onnx"],
    };
}
