using System.Text.Json;
using Lathe.Cli.Tensors;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;

namespace Lathe.Cli.Tests;

public sealed class RunCommandTests
{
    [Test]
    public void Json_HasOutputsAndWhatRan()
    {
        JsonElement json = Cli.Json(0, "run", "run", DoublingModule.Path);
        JsonElement output = json.GetProperty("outputs")[0];
        Assert.That(output.GetProperty("name").GetString(), Is.EqualTo("y"));
        Assert.That(output.GetProperty("dtype").GetString(), Is.EqualTo("float32"));
        Assert.That(output.GetProperty("shape").ToString(), Is.EqualTo("[1,3]"), "dims that are not given are 1");
        JsonElement ran = json.GetProperty("ran");
        Assert.That(ran.GetProperty("devices").ToString(), Is.EqualTo("""{"CPU":1}"""));
        Assert.That(ran.GetProperty("kernels").GetProperty("csharp").GetInt32(), Is.EqualTo(1));
        Assert.That(ran.GetProperty("precisions").GetProperty("fp32").GetInt32(), Is.EqualTo(1));
        Assert.That(ran.GetProperty("fallbacks").GetArrayLength(), Is.Zero);
    }

    [Test]
    public void Table_IsWrittenForPeople()
    {
        (int exitCode, string output, string error) = Cli.Run("run", DoublingModule.Path);
        Assert.That(exitCode, Is.Zero);
        Assert.That(error, Is.Empty);
        Assert.That(output, Does.Contain("float32").And.Contain("1x3").And.Not.Contain("\u001b"));
    }

    [Test]
    public void InputsThatAreNotGiven_AreFilledAsSpecified()
    {
        // By hand from the definition: state = FNV-1a("x") xor 1 * 11400714819323198485, then one step of the generator for each element.
        using TemporaryFolder folder = new();
        Cli.Json(0, "run", "run", DoublingModule.Path, "--dump", folder.Path);
        DumpFolder dump = DumpFolder.Read(folder.Path);
        Assert.That(dump.Inputs[0].Data.Span<float>().ToArray(), Is.EqualTo(Specified("x", 1, 3)));
        Assert.That(dump.Outputs[0].Data.Span<float>().ToArray(), Is.EqualTo(Specified("x", 1, 3).Select(x => 2 * x)));
        Assert.That(dump.Model, Is.EqualTo(Path.GetFileName(DoublingModule.Path)));
        Assert.That(dump.Seed, Is.EqualTo(1));
    }

    [Test]
    public void Seed_ChangesTheFill()
    {
        using TemporaryFolder folder = new();
        Cli.Json(0, "run", "run", DoublingModule.Path, "--dump", folder.Path, "--seed", "18446744073709551615");
        Assert.That(DumpFolder.Read(folder.Path).Inputs[0].Data.Span<float>().ToArray(), Is.EqualTo(Specified("x", ulong.MaxValue, 3)));
    }

    [Test]
    public void Input_GivesTheDims([Values("npy", "pb")] string form)
    {
        using TemporaryFolder folder = new();
        TensorData data = TensorData.OfFloats([1, 2, 3, 4, 5, 6], 2, 3);
        string file = folder[$"x.{form}"];
        if (form == "npy") NumpyFile.Write(file, data);
        else File.WriteAllBytes(file, TensorPb.Of("any", data));
        Cli.Json(0, "run", "run", DoublingModule.Path, "--input", $"x={file}", "--dump", folder["dump"]);
        TensorData y = DumpFolder.Read(folder["dump"]).Outputs[0].Data;
        Assert.That(y.Dims, Is.EqualTo(new long[] { 2, 3 }));
        Assert.That(y.Span<float>().ToArray(), Is.EqualTo(new float[] { 2, 4, 6, 8, 10, 12 }));
    }

    [Test]
    public void RawInput_TakesItsDimsFromShape()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["x.bin"], TensorData.OfFloats([1, 2, 3, 4, 5, 6], 6).Bytes);
        JsonElement json = Cli.Json(0, "run", "run", DoublingModule.Path, "--input", $"x={folder["x.bin"]}", "--shape", "x=2,3");
        Assert.That(json.GetProperty("outputs")[0].GetProperty("shape").ToString(), Is.EqualTo("[2,3]"));
    }

    [Test]
    public void InputThatDoesNotFit_IsOneDiagnostic()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["short.bin"], new byte[7]);
        NumpyFile.Write(folder["wide.npy"], TensorData.OfFloats([1, 2, 3, 4], 1, 4));
        NumpyFile.Write(folder["rank.npy"], TensorData.OfFloats([1, 2, 3], 3));
        NumpyFile.Write(folder["many.npy"], TensorData.OfFloats(new float[65 * 3], 65, 3));
        NumpyFile.Write(folder["long.npy"], TensorData.OfInt64s(1, 2, 3).Reshape(1, 3));
        File.WriteAllBytes(folder["junk.pb"], [0xFF, 0xFF, 0xFF]);
        Check("x", "short.bin", "7 bytes");
        Check("x", "wide.npy", "[1,4]");
        Check("x", "rank.npy", "[3]");
        Check("x", "many.npy", "1 to 64");
        Check("x", "long.npy", "int64");
        Check("x", "junk.pb", "junk.pb");
        Check("x", "missing.bin", "missing.bin");
        Check("z", "wide.npy", "no such input");

        void Check(string input, string file, string reason)
        {
            string error = Cli.Fails(1, "run", DoublingModule.Path, "--input", $"{input}={folder[file]}");
            Assert.That(error.Trim(), Does.Match(@"^\S+ : error LATHE(?!0000)\d{4}: [^\n]+$").And.Contain(reason));
        }
    }

    [Test]
    public void DumpThatCannotBeWritten_IsOneDiagnostic()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["file"], "");
        Assert.That(Cli.Fails(1, "run", DoublingModule.Path, "--dump", folder["file"]), Does.Contain("error LATHE0603: "));
    }

    [Test]
    public void Denormals_AreFlushedOrKept_AsAsked([Values("flush", "keep")] string word)
    {
        (int exitCode, string output, string error) = Cli.Run("run", DoublingModule.Path, "--denormals", word, "--json");
        Assert.That(exitCode, Is.Zero);
        Assert.That(error, Is.Empty);
        Assert.That(JsonDocument.Parse(output).RootElement.GetProperty("ran").GetProperty("fallbacks").GetArrayLength(), Is.Zero);
    }

    [Test]
    public void FileThatIsNoModel_IsOneDiagnostic()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["text.dll"], "no assembly");
        Assert.That(Cli.Fails(1, "run", folder["text.dll"]).Trim(), Does.Match(@"^\S+text\.dll : error LATHE0501: [^\n]+$"));
    }

    private static float[] Specified(string name, ulong seed, int count)
    {
        ulong state = 14695981039346656037;
        foreach (char c in name) state = unchecked((state ^ c) * 1099511628211);
        state ^= unchecked(seed * 11400714819323198485);
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            state = unchecked((state * 6364136223846793005) + 1442695040888963407);
            values[i] = -1f + (2f * ((state >> 40) / 16777216f));
        }

        return values;
    }
}
