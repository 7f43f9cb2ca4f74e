namespace Lathe.Cli.Conformance;

/// <summary>A case of ONNX's backend tests.</summary>
/// <param name="Name">Its kind and name, such as <c>node/test_abs</c>.</param>
/// <param name="Folder">Where its model.onnx and test_data_set_* are.</param>
internal sealed record TestCase(string Name, string Folder)
{
    private const string ModelName = "model.onnx";

    /// <summary>The path of its model.</summary>
    public string Model => Path.Combine(Folder, ModelName);

    /// <summary>The cases of a tree <c>&lt;kind&gt;/&lt;case&gt;/model.onnx</c>, or of one kind's folder, by name.</summary>
    public static IReadOnlyList<TestCase> Find(string root)
    {
        List<TestCase> cases = [];
        foreach (string folder in Directory.GetDirectories(root))
        {
            Add(Path.GetFileName(Path.GetFullPath(root)), folder);
            foreach (string inner in Directory.GetDirectories(folder)) Add(Path.GetFileName(folder), inner);
        }

        return [.. cases.OrderBy(found => found.Name, StringComparer.Ordinal)];

        void Add(string kind, string folder)
        {
            if (File.Exists(Path.Combine(folder, ModelName))) cases.Add(new TestCase($"{kind}/{Path.GetFileName(folder)}", folder));
        }
    }
}
