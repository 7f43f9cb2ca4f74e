using System.Reflection;
using System.Runtime.InteropServices;

namespace Lathe.Runtime.OpenCl.Interop;

/// <summary>The loader of OpenCL's drivers (the ICD loader), looked for when OpenCL is first used.</summary>
internal static class LibOpenCL
{
    /// <summary>The name that the functions are imported from.</summary>
    public const string Name = "OpenCL";

    private static readonly Lazy<nint> Handle = new(Find);

    static LibOpenCL() => NativeLibrary.SetDllImportResolver(typeof(LibOpenCL).Assembly, static (name, _, _) => name == Name ? Handle.Value : 0);

    /// <summary>False if there is none: no function may be called then.</summary>
    public static bool IsAvailable => Handle.Value != 0;

    private static nint Find()
    {
        foreach (string file in (string[])["libOpenCL.so.1", "libOpenCL.so", "OpenCL.dll", "/System/Library/Frameworks/OpenCL.framework/OpenCL"])
            if (NativeLibrary.TryLoad(file, out nint handle)) return handle;
        return 0;
    }
}
