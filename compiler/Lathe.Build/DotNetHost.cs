namespace Lathe.Build;

/// <summary>The <c>dotnet</c> that runs the compiler.</summary>
internal static class DotNetHost
{
    /// <summary>The oldest runtime that the compiler runs on.</summary>
    public const int OldestRuntime = 10;

    /// <summary>Why the compiler cannot run on a host: the runtimes that it has. Null if it can, or if the host's folder has another form than usual.</summary>
    /// <param name="host">The path of <c>dotnet</c>.</param>
    public static string? Lacks(string host)
    {
        string runtimes = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(host)) ?? "", "shared", "Microsoft.NETCore.App");
        if (!Directory.Exists(runtimes)) return null;
        string[] versions = [.. Directory.GetDirectories(runtimes).Select(Path.GetFileName).OrderBy(name => name, StringComparer.Ordinal)!];
        if (versions.Any(version => int.TryParse(version.Split('.')[0], out int major) && major >= OldestRuntime)) return null;
        return versions.Length == 0 ? "no runtime" : "only " + string.Join(", ", versions);
    }

    /// <summary>The path of a program that is named without folder, or the name itself where PATH has none.</summary>
    public static string Find(string name)
    {
        if (name.IndexOfAny(['/', '\\']) >= 0) return name;
        foreach (string folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
        {
            foreach (string candidate in (string[])[Path.Combine(folder, name), Path.Combine(folder, name + ".exe")])
                if (folder.Length > 0 && File.Exists(candidate)) return ResolveLink(candidate);
        }

        return name;
    }

    /// <summary>Where <c>/usr/bin/dotnet</c> is a link, the runtimes lie beside its target. What cannot be resolved stays as it is.</summary>
    private static string ResolveLink(string path)
    {
        // File.ResolveLinkTarget is newer than this target framework; the frameworks this runs on have it, except that of Visual Studio.
        System.Reflection.MethodInfo? resolve = typeof(File).GetMethod("ResolveLinkTarget", [typeof(string), typeof(bool)]);
        return (resolve?.Invoke(null, [path, true]) as FileSystemInfo)?.FullName ?? path;
    }
}
