using Lathe.Tests;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Lathe.Generators.Tests;

public sealed class ModelGeneratorTests
{
    private static readonly Dictionary<string, string> Snapshots = new()
    {
        ["SqueezeNet"] = TestManifests.Fixed,
        ["Recognizer"] = TestManifests.Dynamic,
        ["Detector"] = TestManifests.Frames,
        ["Trap"] = TestManifests.Hostile,
    };

    [TestCase("SqueezeNet")]
    [TestCase("Recognizer")]
    [TestCase("Detector")]
    [TestCase("Trap")]
    public void Generate_Manifest_GivesTheSnapshot(string name) => Snapshot.Check("Lathe.Generators.Tests", name, Source(GeneratorRun.Run(Snapshots[name])));

    [TestCase("SqueezeNet", "MyApp.SqueezeNet_Module")]
    [TestCase("Recognizer", "MyApp.Nets.Recognizer_Module")]
    [TestCase("Detector", "Detector_Module")]
    [TestCase("Trap", "Trap_Module")]
    public void Generate_Manifest_CompilesStrictly(string name, string module)
    {
        CSharpCompilation compilation = GeneratorRun.Compilation("", module);
        GeneratorRun.Driver([("/p/X.lathe.json", Snapshots[name])]).RunGeneratorsAndUpdateCompilation(compilation, out Compilation output, out _);
        Assert.That(output.GetDiagnostics().Where(diagnostic => diagnostic.Severity > DiagnosticSeverity.Hidden), Is.Empty);
    }

    [Test]
    public void Generate_HostileNames_AddNoMember()
    {
        CSharpCompilation compilation = GeneratorRun.Compilation("", "Trap_Module");
        GeneratorRun.Driver([("/p/X.lathe.json", TestManifests.Hostile)]).RunGeneratorsAndUpdateCompilation(compilation, out Compilation output, out _);
        INamedTypeSymbol trap = output.GetTypeByMetadataName("Trap")!;
        IEnumerable<string> members = trap.GetMembers().Concat(trap.GetTypeMembers("Request").Single().GetMembers()).Select(member => member.Name);
        Assert.That(members, Has.None.EqualTo("Evil").And.None.EqualTo("evil").And.None.EqualTo("x"));
        Assert.That(trap.GetTypeMembers("Request").Single().GetMembers("Class").Single(), Is.InstanceOf<IPropertySymbol>());
    }

    [Test]
    public void Generate_InternalAccess_GivesAnInternalClass() =>
        Assert.That(Source(GeneratorRun.Run(TestManifests.Fixed, "internal")), Does.Contain("internal sealed partial class SqueezeNet"));

    [Test]
    public void Generate_PartialClassOfTheUser_JoinsIt()
    {
        CSharpCompilation compilation = GeneratorRun.Compilation(
            "namespace MyApp { partial class SqueezeNet { internal int First() { using var r = CreateRequest(); return (int)r.Softmaxout1[0]; } } }",
            "MyApp.SqueezeNet_Module");
        GeneratorRun.Driver([("/p/X.lathe.json", TestManifests.Fixed)]).RunGeneratorsAndUpdateCompilation(compilation, out Compilation output, out _);
        Assert.That(output.GetDiagnostics().Where(diagnostic => diagnostic.Severity > DiagnosticSeverity.Hidden), Is.Empty);
    }

    [TestCase("", "LATHE0901", "a value is expected")]
    [TestCase("{", "LATHE0901", "'\"' is expected")]
    [TestCase("[]", "LATHE0901", "an object is expected")]
    [TestCase("{}", "LATHE0901", "the member 'schema' is missing")]
    [TestCase("{\"schema\": 2}", "LATHE0902", "schema 2, this version of Lathe reads schema 1")]
    [TestCase("{\"schema\": 1}", "LATHE0901", "the member 'lathe' is missing")]
    public void Generate_BadManifest_GivesOneDiagnostic(string text, string id, string message)
    {
        GeneratorDriverRunResult result = GeneratorRun.Run(text);
        Diagnostic diagnostic = result.Diagnostics.Single();
        Assert.Multiple(() =>
        {
            Assert.That(diagnostic.Id, Is.EqualTo(id));
            Assert.That(diagnostic.GetMessage(), Does.Contain(message));
            Assert.That(diagnostic.Location.GetLineSpan().Path, Is.EqualTo("/p/X.lathe.json"));
            Assert.That(result.GeneratedTrees, Is.Empty);
        });
    }

    [TestCase("\"Data\"", "\"da ta\"", "an identifier is expected")]
    [TestCase("\"Data\"", "\"Softmaxout1\"", "the name 'Softmaxout1' is there twice")]
    [TestCase("\"class\": \"SqueezeNet\"", "\"class\": \"int\"", "an identifier is expected")]
    [TestCase("\"MyApp.SqueezeNet_Module\"", "\"A();B\"", "an identifier is expected")]
    [TestCase("\"MyApp.SqueezeNet_Module\"", "\"\"", "an identifier is expected")]
    [TestCase("\"namespace\": \"MyApp\"", "\"namespace\": \"MyApp.\"", "an identifier is expected")]
    [TestCase("float32", "complex64", "the type 'complex64' is unknown")]
    [TestCase("224", "-1", "a dim is negative")]
    [TestCase("224", "2.5", "an integer of 64 bits is expected")]
    [TestCase("224", "99999999999999999999", "an integer of 64 bits is expected")]
    [TestCase("224", "true", "a number is expected")]
    [TestCase("\"data\"", "7", "a string is expected")]
    public void Generate_SpoiledManifest_SaysWhatIsWrong(string old, string spoiled, string message)
    {
        Assume.That(TestManifests.Fixed, Does.Contain(old));
        Diagnostic diagnostic = GeneratorRun.Run(TestManifests.Fixed.Replace(old, spoiled, StringComparison.Ordinal)).Diagnostics.Single();
        Assert.That(diagnostic.GetMessage(), Does.Contain(message));
        Assert.That(diagnostic.Location.GetLineSpan().StartLinePosition.Line, Is.GreaterThanOrEqualTo(0));
    }

    [TestCase("\"letterbox\"", "\"squash\"", "the mode 'squash' is unknown")]
    [TestCase("\"alignCorners\": false", "\"alignCorners\": 1", "true or false is expected")]
    [TestCase("\"rows\": 1", "\"rows\": 3", "'rows' is 3")]
    [TestCase("\"height\": 416", "\"height\": 0", "'height' is 0")]
    public void Generate_SpoiledResize_SaysWhatIsWrong(string old, string spoiled, string message)
    {
        Assume.That(TestManifests.Dynamic, Does.Contain(old));
        Assert.That(GeneratorRun.Run(TestManifests.Dynamic.Replace(old, spoiled, StringComparison.Ordinal)).Diagnostics.Single().GetMessage(), Does.Contain(message));
    }

    [Test]
    public void Generate_TruncatedManifests_GiveOneDiagnosticEach()
    {
        for (int length = 0; length < TestManifests.Fixed.Length - 2; length += 7)
            Assert.That(GeneratorRun.Run(TestManifests.Fixed[..length]).Diagnostics.Single().Id, Is.EqualTo("LATHE0901"), $"{length}");
    }

    [Test]
    public void Generate_TwoManifestsOfOneClass_GivesOneClassAndOneDiagnostic()
    {
        GeneratorDriverRunResult result = GeneratorRun.Driver([("/p/A.lathe.json", TestManifests.Fixed), ("/p/B.lathe.json", TestManifests.Fixed)])
            .RunGenerators(GeneratorRun.Compilation("")).GetRunResult();
        Assert.That(result.GeneratedTrees, Has.Length.EqualTo(1));
        Assert.That(result.Diagnostics.Single().Id, Is.EqualTo("LATHE0903"));
    }

    [Test]
    public void Generate_OtherFiles_AreLeftAlone() =>
        Assert.That(GeneratorRun.Driver([("/p/readme.json", "{"), ("/p/labels.txt", "a")]).RunGenerators(GeneratorRun.Compilation("")).GetRunResult().GeneratedTrees, Is.Empty);

    private static string Source(GeneratorDriverRunResult result)
    {
        Assert.That(result.Diagnostics, Is.Empty);
        return result.GeneratedTrees.Single().ToString();
    }
}
