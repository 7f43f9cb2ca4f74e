using System.Text.Json.Nodes;

namespace Lathe.Cli.Tests;

public sealed class SchemaTests
{
    private const string Verified = """
        {"cases":1,"passed":1,"outputs":[{"case":"test_data_set_0","name":"y","max_abs":0,"max_rel":null,"cosine":1,"outside":0,"top_k_equal":null,"ok":true}],
         "ran":{"devices":{"CPU":3},"kernels":{"csharp":3},"isa":"avx2","precisions":{"fp32":3},"fallbacks":[{"node":"n","reason":"r"}]}}
        """;

    [Test]
    public void EveryCommand_HasASchema() => Assert.That(
        Schema.All, Is.EquivalentTo(new[] { "compile", "run", "verify", "accuracy", "bench", "bench-precisions", "inspect", "devices", "conformance", "fuzz", "precompile", "quantize", "tune", "failure" }));

    [Test]
    public void ValidText_IsAccepted() => Schema.Check("verify", Verified);

    [TestCase("cases")]
    [TestCase("outputs.0.ok")]
    [TestCase("ran.isa")]
    [TestCase("ran.fallbacks.0.reason")]
    public void MissingMember_IsRefused(string path)
    {
        JsonNode json = JsonNode.Parse(Verified)!;
        (JsonNode parent, string member) = Find(json, path);
        parent.AsObject().Remove(member);
        Assert.That(Schema.Errors("verify", json.ToJsonString()), Is.Not.Empty);
    }

    [TestCase("more")]
    [TestCase("outputs.0.more")]
    [TestCase("ran.more")]
    public void UnknownMember_IsRefused(string path)
    {
        JsonNode json = JsonNode.Parse(Verified)!;
        (JsonNode parent, string member) = Find(json, path);
        parent[member] = 1;
        Assert.That(Schema.Errors("verify", json.ToJsonString()), Is.Not.Empty);
    }

    [TestCase("cases", "\"1\"")]
    [TestCase("outputs.0.outside", "1.5")]
    [TestCase("outputs.0.ok", "null")]
    [TestCase("ran.isa", "\"sse\"")]
    [TestCase("ran.devices.CPU", "0.5")]
    public void WrongValue_IsRefused(string path, string value)
    {
        JsonNode json = JsonNode.Parse(Verified)!;
        (JsonNode parent, string member) = Find(json, path);
        parent[member] = JsonNode.Parse(value);
        Assert.That(Schema.Errors("verify", json.ToJsonString()), Is.Not.Empty);
    }

    private static (JsonNode Parent, string Member) Find(JsonNode json, string path)
    {
        string[] parts = path.Split('.');
        foreach (string part in parts[..^1]) json = (int.TryParse(part, out int index) ? json[index] : json[part])!;
        return (json, parts[^1]);
    }
}
