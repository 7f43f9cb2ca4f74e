using System.Text.Json;
using Google.Protobuf;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Operators;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests.Operators;

/// <summary>
/// ONNX's own cases, for as far as Lathe has their operators: imported and run by meaning. What does not pass stands with its reason in
/// <c>conformance-exceptions.txt</c>, and has to leave it once it passes.
/// </summary>
internal sealed class ConformanceTests
{
    /// <summary>Whole networks, which the reference would take minutes for.</summary>
    private const string Networks = "light";

    private static readonly IReadOnlyDictionary<string, string> Exceptions = ReadExceptions();

    private static IEnumerable<string> Cases()
    {
        if (Places.SharedFolder is null) return ["none"];
        using JsonDocument index = JsonDocument.Parse(File.ReadAllText(Places.Shared("conformance", "index.json")));
        return
        [
            .. index.RootElement.EnumerateArray()
                .Where(c => c.GetProperty("kind").GetString() != Networks)
                .Where(c => c.GetProperty("ops").EnumerateArray().All(o => IsKnown(o.GetString()!)))
                .Select(c => $"{c.GetProperty("kind").GetString()}/{c.GetProperty("case").GetString()}"),
        ];
    }

    [TestCaseSource(nameof(Cases))]
    public void Case_GivesItsOutputs(string name)
    {
        string directory = Places.Shared(["conformance", .. name.Split('/')]);
        if (!Exceptions.TryGetValue(name, out string? reason))
        {
            Run(directory);
            return;
        }

        bool passes = true;
        try
        {
            using (new NUnit.Framework.Internal.TestExecutionContext.IsolatedContext()) Run(directory);
        }
        catch (Exception failed) when (failed is AssertionException or DiagnosticException or ArgumentException)
        {
            passes = false;
        }

        Assert.That(passes, Is.False, $"it passes: take it out of the exceptions ({reason})");
    }

    [Test]
    public void Exceptions_NameCases()
    {
        if (Places.SharedFolder is null) Assert.Ignore("Without the cases there is nothing to compare with.");
        Assert.That(Exceptions.Keys.Except(Cases()), Is.Empty);
    }

    private static bool IsKnown(string op) => op == "Constant" || OperatorTable.ByOnnxName.ContainsKey(op.Split(':') is [var domain, var name] ? (domain, name) : ("", op));

    private static void Run(string directory)
    {
        foreach (string set in Directory.GetDirectories(directory, "test_data_set_*").Order(StringComparer.Ordinal))
        {
            string[] given = [.. Files(set, "input")];
            (Compiler.Graph.Graph graph, HashSet<string> bound) = Import(Path.Combine(directory, "model.onnx"), given);
            Dictionary<string, TensorData> inputs = [];
            GraphPort[] open = [.. graph.Inputs];
            int next = 0;
            foreach (string file in given)
            {
                // Files follow the order of the model's inputs, of which bound ones are gone from the graph.
                if (bound.Contains(file)) continue;
                inputs[open[next].Name] = As(OnnxFrontEnd.ReadTensor(file).Data, open[next].Value.Type.Element);
                next++;
            }

            IReadOnlyList<TensorData> outputs = GraphEvaluator.Run(graph, [.. open.Select(p => inputs[p.Name])]);
            string[] expected = [.. Files(set, "output")];
            Assert.That(outputs, Has.Count.EqualTo(expected.Length));
            for (int i = 0; i < expected.Length; i++) AssertClose(outputs[i], As(OnnxFrontEnd.ReadTensor(expected[i]).Data, outputs[i].Element));
        }
    }

    /// <summary>Older data keep bfloat16 as uint16.</summary>
    private static TensorData As(TensorData data, ElementType element) =>
        element == ElementType.BFloat16 && data.Element == ElementType.UInt16 ? TensorData.FromBytes(element, data.Dims, data.Bytes) : data;

    private static IEnumerable<string> Files(string set, string kind) =>
        Enumerable.Range(0, int.MaxValue).Select(i => Path.Combine(set, $"{kind}_{i}.pb")).TakeWhile(File.Exists);

    /// <summary>
    /// Imports a model. Where shapes depend on inputs, as they do in many cases, these are bound at compile time: first all but the first, then all.
    /// </summary>
    private static (Compiler.Graph.Graph Graph, HashSet<string> Bound) Import(string model, string[] inputs)
    {
        IReadOnlyList<Diagnostic> diagnostics = [];
        foreach (string[] bound in (string[][])[[], [.. inputs.Skip(1)], inputs])
        {
            string path = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"{Guid.NewGuid():N}.onnx");
            try
            {
                WriteBound(model, bound, inputs, path);
                (Compiler.Graph.Graph? graph, diagnostics) = OnnxFrontEnd.Read(path, new CompileOptions());
                if (graph is not null) return (graph, [.. bound]);
            }
            finally
            {
                File.Delete(path);
            }
        }

        throw new DiagnosticException(diagnostics[0]);
    }

    /// <summary>Writes a model with inputs as initialisers. Protocol buffers that follow each other are merged: what is appended is added to the graph.</summary>
    private static void WriteBound(string model, string[] bound, string[] inputs, string path)
    {
        const uint GraphField = (7 << 3) | 2, InputField = 11, InitializerField = (5 << 3) | 2, NameField = (8 << 3) | 2;
        byte[] bytes = File.ReadAllBytes(model);
        using FileStream file = File.Create(path);
        file.Write(bytes);
        if (bound.Length == 0) return;
        string[] names = [.. InputNames(bytes, InputField)];
        using MemoryStream graph = new();
        CodedOutputStream body = new(graph);
        foreach (string tensor in bound)
        {
            using MemoryStream named = new();
            named.Write(File.ReadAllBytes(tensor));
            CodedOutputStream name = new(named);
            name.WriteTag(NameField);
            name.WriteString(names[Array.IndexOf(inputs, tensor)]);
            name.Flush();
            body.WriteTag(InitializerField);
            body.WriteBytes(ByteString.CopyFrom(named.ToArray()));
        }

        body.Flush();
        CodedOutputStream tail = new(file);
        tail.WriteTag(GraphField);
        tail.WriteBytes(ByteString.CopyFrom(graph.ToArray()));
        tail.Flush();
    }

    /// <summary>The names of a model's inputs: field 1 of every field 11 of field 7.</summary>
    private static IEnumerable<string> InputNames(byte[] model, uint inputField)
    {
        foreach (ByteString graph in Fields(model, 7))
            foreach (ByteString input in Fields(graph.ToByteArray(), inputField))
                yield return Fields(input.ToByteArray(), 1).Single().ToStringUtf8();
    }

    private static List<ByteString> Fields(byte[] message, uint number)
    {
        List<ByteString> found = [];
        CodedInputStream input = new(message);
        while (input.ReadTag() is var tag && tag != 0)
        {
            if (tag == ((number << 3) | 2)) found.Add(input.ReadBytes());
            else input.SkipLastField();
        }

        return found;
    }

    /// <summary>The tolerances of ONNX's own runner.</summary>
    private static void AssertClose(TensorData actual, TensorData expected)
    {
        Assert.That(actual.Element, Is.EqualTo(expected.Element));
        Assert.That(actual.Dims, Is.EqualTo(expected.Dims));
        if (expected.Strings is not null)
        {
            Assert.That(actual.Strings, Is.EqualTo(expected.Strings));
            return;
        }

        for (int i = 0; i < expected.Count; i++)
        {
            double a = actual.GetDouble(i), e = expected.GetDouble(i);
            if (a.Equals(e) || Math.Abs(a - e) <= 1e-6 + (1e-3 * Math.Abs(e))) continue;
            Assert.Fail($"Element {i} is {a}, not {e}.");
        }
    }

    private static Dictionary<string, string> ReadExceptions()
    {
        using Stream stream = typeof(ConformanceTests).Assembly.GetManifestResourceStream("conformance-exceptions.txt")!;
        using StreamReader reader = new(stream);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Where(l => !l.StartsWith('#'))
            .ToDictionary(l => l.Split('#')[0].Trim(), l => l.Split('#', 2)[1].Trim());
    }
}
