using Microsoft.Build.Framework;

namespace Lathe.Build;

/// <summary>An option of the compiler that an <c>OnnxModel</c> item may set by metadata of the same name.</summary>
/// <param name="Metadata">The metadata.</param>
/// <param name="Option">The option of <c>lathe compile</c>.</param>
/// <param name="IsSwitch">True for an option without a value: the metadata is <c>true</c> or <c>false</c>.</param>
/// <param name="IsList">True for an option that may be given several times: the metadata holds the values separated by semicolons.</param>
internal sealed record ModelOption(string Metadata, string Option, bool IsSwitch = false, bool IsList = false)
{
    /// <summary>All options, in the order of the command line.</summary>
    public static readonly IReadOnlyList<ModelOption> All =
    [
        new("Precision", "--precision"),
        new("Device", "--device"),
        new("Affinity", "--affinity"),
        new("DeviceProfile", "--device-profile"),
        new("DeviceFallback", "--device-fallback"),
        new("RequireDevice", "--require-device", IsSwitch: true),
        new("Mean", "--mean", IsList: true),
        new("Scale", "--scale", IsList: true),
        new("InputFormat", "--input-format", IsList: true),
        new("Resize", "--resize", IsList: true),
        new("Postprocess", "--postprocess", IsList: true),
        new("Labels", "--labels", IsList: true),
        new("Shape", "--shape", IsList: true),
        new("Calibration", "--calibration"),
        new("Calibrator", "--calibrator"),
        new("MinSqnr", "--min-sqnr"),
        new("BiasCorrection", "--bias-correction"),
        new("Mixed", "--mixed"),
        new("PrecisionRules", "--precision-rules"),
        new("AccuracyBudget", "--accuracy-budget"),
        new("AccuracyData", "--accuracy-data"),
        new("Kernels", "--kernels"),
        new("NativeCode", "--native-code"),
        new("Isa", "--isa"),
        new("Threads", "--threads"),
        new("Denormals", "--denormals"),
        new("Winograd", "--winograd"),
        new("Tuning", "--tuning"),
        new("EmbedWeights", "--embed-weights", IsSwitch: true),
        new("DebugKernels", "--debug-kernels", IsSwitch: true),
        new("EmitSource", "--emit-source"),
    ];

    /// <summary>Metadata that other parts of the build read.</summary>
    private static readonly string[] Others = ["Class", "Access", "Link", "Visible", "SubType", "CopyToOutputDirectory", "CopyToPublishDirectory", "Pack", "PackagePath", "DependentUpon"];

    /// <summary>The command line's words for an item, without those for the model and its output.</summary>
    public static IReadOnlyList<string> Words(ITaskItem item)
    {
        List<string> words = [];
        foreach (ModelOption option in All) option.AddWords(item.GetMetadata(option.Metadata), words);
        return words;
    }

    /// <summary>The item's metadata that means nothing, each with the name that was probably meant, or null.</summary>
    /// <param name="names">The names of the item's own metadata.</param>
    public static IEnumerable<(string Name, string? Meant)> Unknown(IEnumerable<string> names)
    {
        string[] known = [.. All.Select(option => option.Metadata), .. Others];
        foreach (string name in names)
        {
            if (known.Contains(name, StringComparer.OrdinalIgnoreCase) || name.StartsWith("DefiningProject", StringComparison.OrdinalIgnoreCase)) continue;
            (string Name, int Distance) nearest = known.Select(one => (one, Distance(one, name))).OrderBy(pair => pair.Item2).First();
            yield return (name, nearest.Distance <= Math.Max(2, name.Length / 3) ? nearest.Name : null);
        }
    }

    private void AddWords(string value, List<string> words)
    {
        if (IsSwitch)
        {
            if (value.Equals("true", StringComparison.OrdinalIgnoreCase)) words.Add(Option);
            return;
        }

        foreach (string one in IsList ? value.Split(';') : [value])
        {
            if (one.Trim().Length == 0) continue;
            words.Add(Option);
            words.Add(one.Trim());
        }
    }

    /// <summary>How many letters to insert, delete or replace (Levenshtein).</summary>
    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int replaced = diagonal + (char.ToUpperInvariant(a[i - 1]) == char.ToUpperInvariant(b[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, 1 + Math.Min(row[j], row[j - 1]));
            }
        }

        return row[b.Length];
    }
}
