using System.Security.Cryptography;

namespace Lathe.Runtime.OpenCl;

/// <summary>
/// Compiled programs on disk, by everything that they depend on: in the folder that <c>LATHE_OPENCL_CACHE</c> names, or else in <c>lathe/opencl</c> under XDG_CACHE_HOME, ~/.cache or the
/// user's local application data. A file is its content and a hash of it: what is damaged counts as absent, and a place that cannot be written to keeps nothing. Safe for use by several processes.
/// </summary>
internal sealed class ProgramCache(string directory, long capacity = 256 << 20)
{
    private const string Extension = ".clbin", Temporary = ".tmp";

    /// <summary>What is written takes seconds: a file that is older was left by a process that was ended.</summary>
    private static readonly TimeSpan LongestWrite = TimeSpan.FromHours(1);

    /// <summary>The environment variable that names the folder; <c>off</c> keeps nothing.</summary>
    public const string Variable = "LATHE_OPENCL_CACHE";

    /// <summary>The user's cache; null if there is to be none.</summary>
    public static ProgramCache? OfUser()
    {
        string? own = Environment.GetEnvironmentVariable(Variable);
        if (own == "off") return null;
        if (!string.IsNullOrEmpty(own)) return new(own);
        string root = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg ? xdg
            : OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        return new(Path.Combine(root, "lathe", "opencl"));
    }

    /// <summary>The key of a program: a hash of everything that it depends on.</summary>
    public static string KeyOf(params string[] parts)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string part in parts)
        {
            byte[] bytes = System.Text.Encoding.UTF8.GetBytes(part);
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    /// <summary>A program; null if it is not there or damaged.</summary>
    public byte[]? Find(string key)
    {
        string path = PathOf(key);
        try
        {
            if (!File.Exists(path)) return null;
            byte[] file = File.ReadAllBytes(path);
            if (file.Length <= SHA256.HashSizeInBytes || !SHA256.HashData(file.AsSpan(SHA256.HashSizeInBytes)).AsSpan().SequenceEqual(file.AsSpan(0, SHA256.HashSizeInBytes))) return null;
            try
            {
                File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It goes earlier than it should.
            }

            return file[SHA256.HashSizeInBytes..];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Keeps a program, and forgets the longest unused beyond the capacity.</summary>
    public void Store(string key, byte[] program)
    {
        string temporary = Path.Combine(directory, $".{Guid.NewGuid():N}{Temporary}");
        try
        {
            Directory.CreateDirectory(directory);
            using (FileStream file = new(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                file.Write(SHA256.HashData(program));
                file.Write(program);
            }

            File.Move(temporary, PathOf(key), overwrite: true);
            Prune();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            try
            {
                File.Delete(temporary);
            }
            catch (Exception left) when (left is IOException or UnauthorizedAccessException)
            {
                // There is nothing more to be done about it.
            }
        }
    }

    private string PathOf(string key) => Path.Combine(directory, key + Extension);

    private void Prune()
    {
        foreach (FileInfo left in new DirectoryInfo(directory).GetFiles("*" + Temporary).Where(f => f.LastWriteTimeUtc < DateTime.UtcNow - LongestWrite)) left.Delete();
        long bytes = 0;
        foreach (FileInfo file in new DirectoryInfo(directory).GetFiles("*" + Extension).OrderByDescending(f => f.LastWriteTimeUtc))
        {
            bytes += file.Length;
            if (bytes > capacity) file.Delete();
        }
    }
}
