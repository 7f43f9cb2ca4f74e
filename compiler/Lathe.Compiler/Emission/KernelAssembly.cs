using System.Collections.Immutable;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Emit;
using Microsoft.CodeAnalysis.Text;

namespace Lathe.Compiler.Emission;

/// <summary>
/// Compiles emitted source into an assembly of its own: always optimised, unchecked and unsafe, whatever the user's project says. It is compiled
/// against .NET 8, so that one assembly serves every target framework that the runtime does.
/// </summary>
public static class KernelAssembly
{
    private static readonly Lazy<ImmutableArray<MetadataReference>> References = new(LoadReferences);

    /// <summary>Compiles.</summary>
    /// <param name="name">The assembly's name.</param>
    /// <param name="sources">The source by file name.</param>
    /// <param name="resources">Embedded resources by name.</param>
    /// <param name="debug">True leaves the code unoptimised, for stepping through it.</param>
    /// <param name="cancellation">Ends the compilation.</param>
    /// <returns>The assembly and its portable PDB, which holds the source.</returns>
    /// <exception cref="InvalidOperationException">The source has an error, which is a mistake of the emitter.</exception>
    public static (byte[] Assembly, byte[] Symbols) Compile(
        string name,
        IReadOnlyDictionary<string, string> sources,
        IReadOnlyDictionary<string, byte[]> resources,
        bool debug,
        CancellationToken cancellation)
    {
        CSharpParseOptions parse = new(LanguageVersion.CSharp12, DocumentationMode.None);
        List<SyntaxTree> trees = [];
        List<EmbeddedText> texts = [];
        foreach ((string file, string source) in sources.OrderBy(s => s.Key, StringComparer.Ordinal))
        {
            SourceText text = SourceText.From(source, Encoding.UTF8, SourceHashAlgorithm.Sha256);
            trees.Add(CSharpSyntaxTree.ParseText(text, parse, $"/_lathe/{name}/{file}", cancellation));
            texts.Add(EmbeddedText.FromSource($"/_lathe/{name}/{file}", text));
        }

        CSharpCompilation compilation = CSharpCompilation.Create(
            name,
            trees,
            References.Value,
            new CSharpCompilationOptions(
                OutputKind.DynamicallyLinkedLibrary,
                optimizationLevel: debug ? OptimizationLevel.Debug : OptimizationLevel.Release,
                checkOverflow: false,
                allowUnsafe: true,
                nullableContextOptions: NullableContextOptions.Enable,
                deterministic: true,
                concurrentBuild: true,
                generalDiagnosticOption: ReportDiagnostic.Suppress));

        using MemoryStream assembly = new(), symbols = new();
        EmitResult result = compilation.Emit(
            assembly,
            symbols,
            manifestResources: resources.OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => new ResourceDescription(r.Key, () => new MemoryStream(r.Value, false), isPublic: true)),
            options: new EmitOptions(debugInformationFormat: DebugInformationFormat.PortablePdb, pdbFilePath: $"{name}.pdb"),
            embeddedTexts: texts,
            cancellationToken: cancellation);
        if (!result.Success)
        {
            throw new InvalidOperationException(
                $"The emitted source does not compile: {string.Join("; ", result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error).Take(5))}");
        }

        return (assembly.ToArray(), symbols.ToArray());
    }

    private static ImmutableArray<MetadataReference> LoadReferences()
    {
        const string prefix = "references/";
        System.Reflection.Assembly self = typeof(KernelAssembly).Assembly;
        return
        [
            .. self.GetManifestResourceNames().Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(n =>
            {
                using Stream stream = self.GetManifestResourceStream(n)!;
                return (MetadataReference)MetadataReference.CreateFromStream(stream);
            }),
        ];
    }
}
