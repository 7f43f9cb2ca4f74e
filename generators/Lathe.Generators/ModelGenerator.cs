using System.Collections.Immutable;
using System.Text;
using Lathe.Generators.Emission;
using Lathe.Generators.Manifests;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace Lathe.Generators;

/// <summary>Turns each <c>*.lathe.json</c> among the additional files into the typed class of its model.</summary>
[Generator(LanguageNames.CSharp)]
public sealed class ModelGenerator : IIncrementalGenerator
{
    /// <summary>The metadata of a manifest's item that makes its class <c>internal</c>.</summary>
    internal const string AccessMetadata = "build_metadata.AdditionalFiles.LatheAccess";

    /// <summary>The names of the pipeline's steps, by which tests see which of them ran.</summary>
    internal const string ReadStep = "Read", CheckStep = "Check";

    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        IncrementalValuesProvider<GeneratorInput> manifests = context.AdditionalTextsProvider
            .Where(static text => text.Path.EndsWith(".lathe.json", StringComparison.OrdinalIgnoreCase))
            .Combine(context.AnalyzerConfigOptionsProvider)
            .Select(static (pair, cancellation) => Read(pair.Left, pair.Right.GetOptions(pair.Left), cancellation))
            .WithTrackingName(ReadStep);

        IncrementalValuesProvider<GeneratorInput> checkedManifests = manifests
            .Collect()
            .SelectMany(static (all, _) => RefuseDuplicates(all))
            .WithTrackingName(CheckStep);

        context.RegisterSourceOutput(checkedManifests, static (output, input) =>
        {
            if (input.Diagnostic is { } diagnostic) output.ReportDiagnostic(diagnostic.ToDiagnostic());
            if (input.Manifest is { } manifest)
                output.AddSource($"{manifest.FullName}.g.cs", SourceText.From(ModelEmitter.Emit(manifest, input.Access), Encoding.UTF8));
        });
    }

    private static GeneratorInput Read(AdditionalText file, AnalyzerConfigOptions options, CancellationToken cancellation)
    {
        string access = options.TryGetValue(AccessMetadata, out string? value) && value.Equals("internal", StringComparison.OrdinalIgnoreCase) ? "internal" : "public";
        SourceText? text = file.GetText(cancellation);
        if (text is null) return Refuse(Descriptors.MalformedManifest, default, "it cannot be read");
        try
        {
            JsonValue root = JsonReader.Read(text.ToString());
            long schema = ManifestReader.Schema(root);
            return schema == Manifest.Schema
                ? new(file.Path, ManifestReader.Read(root), access, null)
                : Refuse(Descriptors.OtherSchema, default, schema.ToString(System.Globalization.CultureInfo.InvariantCulture), Manifest.Schema.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }
        catch (MalformedTextException e)
        {
            return Refuse(Descriptors.MalformedManifest, text.Lines.GetLinePosition(e.Start), e.Message);
        }

        GeneratorInput Refuse(DiagnosticDescriptor descriptor, LinePosition position, params string[] arguments) =>
            new(file.Path, null, access, new(descriptor, file.Path, position, new(arguments)));
    }

    private static IEnumerable<GeneratorInput> RefuseDuplicates(ImmutableArray<GeneratorInput> inputs)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (GeneratorInput input in inputs)
        {
            if (input.Manifest is { } manifest && !seen.Add(manifest.FullName))
                yield return input with { Manifest = null, Diagnostic = new(Descriptors.DuplicateClass, input.Path, default, new([manifest.FullName])) };
            else
                yield return input;
        }
    }

    /// <summary>A manifest that was read, or why it was not.</summary>
    private sealed record GeneratorInput(string Path, Manifest? Manifest, string Access, DiagnosticInfo? Diagnostic);
}
