using System.Text.RegularExpressions;
using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Tests;

/// <summary>Which assembly and which namespace may use which: the arrows of the design.</summary>
[TestFixture]
internal sealed partial class ArchitectureTests
{
    /// <summary>For each folder of the compiler, the folders that it may use beside itself.</summary>
    private static readonly Dictionary<string, string[]> Uses = new()
    {
        // The graph and its operators are one layer: a node has an operator, an operator reads nodes.
        ["Diagnostics"] = [],
        ["Graph"] = ["Diagnostics", "Operators"],
        ["Operators"] = ["Diagnostics", "Graph"],
        ["Onnx"] = ["Diagnostics", "Graph", "Operators"],
        ["Mutation"] = ["Onnx", "Operators"],
        ["Tuning"] = ["Diagnostics"],
        ["Quantization"] = ["Diagnostics", "Graph", "Onnx", "Operators", "Passes"],
        ["Rules"] = ["Diagnostics", "Graph", "Operators", "Tuning"],
        ["Placement"] = ["Diagnostics", "Graph", "Operators"],
        // What is placed are steps to be: their costs are those of lowering.
        ["Passes"] = ["Diagnostics", "Graph", "Lowering", "Operators", "Placement", "Rules", "Tuning"],
        ["Lowering"] = ["Diagnostics", "Graph", "Operators", "Placement"],
        ["Emission"] = ["Diagnostics", "Lowering", "Tuning"],
    };

    [Test]
    public void Assemblies_ReferenceOnlyWhatIsBelowThem()
    {
        Assert.That(Ours(typeof(Lathe.Runtime.ElementType)), Is.Empty);
        Assert.That(Ours(typeof(Lathe.Kernels.Loops.IndexExpr)), Is.SubsetOf(new[] { "Lathe.Runtime" }));
        Assert.That(Ours(typeof(GraphBuilder)), Is.SubsetOf(new[] { "Lathe.Runtime", "Lathe.Kernels", "Lathe.Kernels.Llvm" }));

        static IEnumerable<string> Ours(Type type) =>
            type.Assembly.GetReferencedAssemblies().Select(a => a.Name!).Where(n => n.StartsWith("Lathe.", StringComparison.Ordinal));
    }

    [Test]
    public void Runtime_HasNoPackages() => Assert.That(
        typeof(Lathe.Runtime.ElementType).Assembly.GetReferencedAssemblies().Select(a => a.Name),
        Has.All.StartsWith("System").Or.EqualTo("netstandard"));

    [TestCaseSource(nameof(Folders))]
    public void Folder_UsesOnlyWhatIsBelowIt(string folder)
    {
        string compiler = Path.Combine(Places.Root, "compiler", "Lathe.Compiler");
        HashSet<string> allowed = [folder, .. Uses[folder]];
        foreach (string file in Directory.GetFiles(Path.Combine(compiler, folder), "*.cs", SearchOption.AllDirectories))
        {
            foreach (Match use in Using().Matches(File.ReadAllText(file)))
                Assert.That(allowed, Does.Contain(use.Groups["folder"].Value), $"{Path.GetRelativePath(compiler, file)} uses {use.Value.Trim()}");
        }
    }

    [Test]
    public void Namespaces_AreFolders()
    {
        string compiler = Path.Combine(Places.Root, "compiler", "Lathe.Compiler");
        foreach (string file in Directory.GetFiles(compiler, "*.cs", SearchOption.AllDirectories))
        {
            string folder = Path.GetDirectoryName(Path.GetRelativePath(compiler, file))!.Replace(Path.DirectorySeparatorChar, '.');
            if (folder.StartsWith("bin", StringComparison.Ordinal) || folder.StartsWith("obj", StringComparison.Ordinal)) continue;
            string expected = folder.Length == 0 ? "Lathe.Compiler" : $"Lathe.Compiler.{folder}";
            Assert.That(Namespace().Match(File.ReadAllText(file)).Groups["name"].Value, Is.EqualTo(expected), file);
        }
    }

    private static IEnumerable<string> Folders() => Uses.Keys;

    [GeneratedRegex(@"^using (static )?(\w+ = )?Lathe\.Compiler\.(?<folder>\w+)", RegexOptions.Multiline)]
    private static partial Regex Using();

    [GeneratedRegex(@"^namespace (?<name>[\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();
}
