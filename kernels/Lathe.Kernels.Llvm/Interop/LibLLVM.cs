using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Lathe.Kernels.Llvm.Interop;

/// <summary>Which libLLVM is used: version 19 where it is installed, else the newest, from 15 on, the first that reads today's textual IR.</summary>
internal static unsafe class LibLLVM
{
    /// <summary>The name that the functions are imported from.</summary>
    public const string Name = "libLLVM";

    private const int Preferred = 19, Oldest = 15, Newest = 22;

    private const string LoaderCache = "/etc/ld.so.cache";

    private static readonly Lazy<(nint Handle, string Version)> Found = new(Find);

    static LibLLVM() => NativeLibrary.SetDllImportResolver(typeof(LibLLVM).Assembly, Resolve);

    /// <summary>The version, such as <c>19.1.7</c>; null if there is none.</summary>
    public static string? Version => Found.Value.Handle == 0 ? null : Found.Value.Version;

    /// <summary>
    /// The files that say which one is used: its own, and the list by which the system's loader finds libraries, where there is such a list: another version may come, or the first one.
    /// </summary>
    public static IReadOnlyList<string> Files
    {
        get
        {
            List<string> files = [];
            using Process process = Process.GetCurrentProcess();
            if (Found.Value.Handle != 0)
                files.AddRange(process.Modules.Cast<ProcessModule>().Select(module => module.FileName).Where(path => path is not null && IsName(Path.GetFileName(path))).Distinct()!);
            if (File.Exists(LoaderCache)) files.Add(LoaderCache);
            return files;

            static bool IsName(string file) => file.StartsWith("libLLVM", StringComparison.Ordinal) || file.StartsWith("LLVM-C", StringComparison.Ordinal);
        }
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path) => name == Name ? Found.Value.Handle : 0;

    private static (nint Handle, string Version) Find()
    {
        foreach (int version in Enumerable.Range(Oldest, Newest - Oldest + 1).OrderByDescending(v => v == Preferred).ThenByDescending(v => v))
        {
            string text = version.ToString(CultureInfo.InvariantCulture);
            foreach (string file in (string[])[$"libLLVM.so.{text}.1", $"libLLVM-{text}.so.1", $"libLLVM-{text}.so", $"LLVM-C-{text}.dll"])
                if (NativeLibrary.TryLoad(file, out nint handle)) return (handle, Exact(handle) ?? text);
        }

        return default;
    }

    /// <summary>What the library says itself, which it does from 16 on.</summary>
    private static string? Exact(nint handle)
    {
        if (!NativeLibrary.TryGetExport(handle, "LLVMGetVersion", out nint function)) return null;
        uint major, minor, patch;
        ((delegate* unmanaged<uint*, uint*, uint*, void>)function)(&major, &minor, &patch);
        return string.Create(CultureInfo.InvariantCulture, $"{major}.{minor}.{patch}");
    }
}
