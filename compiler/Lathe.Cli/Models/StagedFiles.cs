namespace Lathe.Cli.Models;

/// <summary>
/// Files that appear in a folder together or not at all: they are written to a hidden folder beside their places and moved when all are
/// complete. What stood in their places comes back if a move fails.
/// </summary>
internal sealed class StagedFiles : IDisposable
{
    private readonly string _directory, _staging;
    private readonly bool _created;
    private readonly List<string> _names = [];
    private bool _committed;

    /// <summary>Prepares to write into a folder, which is made if it is not there.</summary>
    /// <exception cref="IOException">The folder cannot be written to.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    public StagedFiles(string directory)
    {
        _directory = directory;
        _created = !Directory.Exists(directory);
        Directory.CreateDirectory(directory);
        _staging = Path.Combine(directory, $".lathe-{Guid.NewGuid():N}");
        Directory.CreateDirectory(_staging);
    }

    /// <summary>Adds a file.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Add(string name, ReadOnlySpan<byte> content)
    {
        using FileStream file = File.Create(Path.Combine(_staging, name));
        file.Write(content);
        _names.Add(name);
    }

    /// <summary>Moves the files to their places, in the order in which they were added.</summary>
    /// <returns>Their paths.</returns>
    /// <exception cref="IOException">One cannot be moved; then none was.</exception>
    public IReadOnlyList<string> Commit()
    {
        List<string> moved = [], paths = [];
        try
        {
            foreach (string name in _names)
            {
                string path = Path.Combine(_directory, name);
                if (File.Exists(path)) File.Move(path, Previous(name));
                moved.Add(name);
                File.Move(Path.Combine(_staging, name), path);
                paths.Add(path);
            }
        }
        catch
        {
            foreach (string name in moved)
            {
                string path = Path.Combine(_directory, name);
                if (File.Exists(path)) File.Delete(path);
                if (File.Exists(Previous(name))) File.Move(Previous(name), path);
            }

            throw;
        }

        _committed = true;
        return paths;
    }

    /// <summary>Takes away what was not moved.</summary>
    public void Dispose()
    {
        Directory.Delete(_staging, recursive: true);
        if (_created && !_committed && !Directory.EnumerateFileSystemEntries(_directory).Any()) Directory.Delete(_directory);
    }

    private string Previous(string name) => Path.Combine(_staging, name + ".previous");
}
